// The Open Inference Protocol, pictures and statistics, as clients use them.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "client.h"
#include "data/png.h"
#include "data/synthetic.h"
#include "mnist/classifier.h"

namespace mnist {
namespace {

using namespace mnist::testing;
using nlohmann::json;

constexpr char kInfer[] = "/v2/models/digit/infer";

class ProtocolTest : public ::testing::Test {
 protected:
  Reply infer(const json& request) { return server_.ask(post(kInfer, request.dump())); }
  json output(const Reply& reply, const std::string& name) {
    const json answer = reply.json();
    for (const json& output : answer.at("outputs")) {
      if (output.at("name") == name) return output;
    }
    ADD_FAILURE() << "no output " << name << " in " << reply.body;
    return {};
  }

  RunningServer server_;
};

TEST_F(ProtocolTest, TellsOfItselfAndItsModels) {
  EXPECT_EQ(server_.ask(get("/v2/health/live")).json(), (json{{"live", true}}));
  EXPECT_EQ(server_.ask(get("/v2/health/ready")).json(), (json{{"live", true}, {"ready", true}}));
  // The protocol's text has the first, its OpenAPI description the second.
  for (const char* path : {"/v2", "/v2/"}) {
    EXPECT_EQ(server_.ask(get(path)).json().at("name"), "mnist") << path;
  }
  for (const char* path : {"/v2/models/digit", "/v2/models/digit/versions/1"}) {
    const json model = server_.ask(get(path)).json();
    EXPECT_EQ(model.at("name"), "digit");
    EXPECT_EQ(model.at("versions"), (json{"1"}));
    EXPECT_EQ(model.at("inputs").size(), 1U);
    EXPECT_EQ(model.at("inputs")[0].at("shape"), (json{-1, 28, 28}));
    EXPECT_EQ(model.at("outputs").size(), 3U);
  }
  EXPECT_EQ(server_.ask(get("/v2/models/digit/ready")).json(),
            (json{{"name", "digit"}, {"ready", true}}));
  EXPECT_EQ(server_.ask(post("/v2/repository/index", "")).json()[0].at("name"), "digit");
}

TEST_F(ProtocolTest, InfersAndEchoesTheId) {
  json request = infer_request(3);
  request["id"] = "a \"quoted\" id";
  const Reply reply = infer(request);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.has("Content-Type: application/json"));
  const json answer = reply.json();
  EXPECT_EQ(answer.at("id"), request.at("id"));
  EXPECT_EQ(answer.at("model_name"), "digit");
  EXPECT_EQ(answer.at("model_version"), "1");
  // Who asks for none gets all that the metadata has, in its order.
  const json metadata = server_.ask(get("/v2/models/digit")).json();
  ASSERT_EQ(answer.at("outputs").size(), metadata.at("outputs").size());
  for (size_t i = 0; i < metadata.at("outputs").size(); ++i) {
    EXPECT_EQ(answer.at("outputs")[i].at("name"), metadata.at("outputs")[i].at("name"));
  }
  EXPECT_EQ(output(reply, "logits").at("shape"), (json{3, 10}));
  EXPECT_EQ(output(reply, "probabilities").at("shape"), (json{3, 10}));
  EXPECT_EQ(output(reply, "probabilities").at("datatype"), "FP32");
  EXPECT_EQ(output(reply, "class").at("shape"), (json{3}));
  EXPECT_EQ(output(reply, "class").at("datatype"), "INT64");
  EXPECT_EQ(output(reply, "class").at("data").size(), 3U);
}

TEST_F(ProtocolTest, LeavesOutTheIdThatWasNotGiven) {
  EXPECT_FALSE(infer(infer_request(1)).json().contains("id"));
}

TEST_F(ProtocolTest, GivesTheOutputsThatAreAskedForInTheirOrder) {
  json request = infer_request(1);
  request["outputs"] = {{{"name", "logits"}}, {{"name", "class"}}};
  const Reply reply = infer(request);
  ASSERT_EQ(reply.json().at("outputs").size(), 2U);
  EXPECT_EQ(reply.json().at("outputs")[0].at("name"), "logits");
  const std::vector<float> logits = output(reply, "logits").at("data");
  const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
  EXPECT_EQ(output(reply, "class").at("data")[0], best);
}

TEST_F(ProtocolTest, TakesEveryShapeFlatAndNested) {
  const json flat = infer_request(2);
  const json expected = output(infer(flat), "probabilities");
  const json& data = flat.at("inputs")[0].at("data");
  json images = json::array();
  json channels = json::array();
  for (size_t i = 0; i < 2; ++i) {
    json rows = json::array();
    for (size_t row = 0; row < 28; ++row) {
      const auto begin = data.begin() + static_cast<std::ptrdiff_t>(i * 784 + row * 28);
      rows.push_back(json(std::vector<int>(begin, begin + 28)));
    }
    images.push_back(rows);
    channels.push_back(json::array({rows}));
  }
  const std::vector<std::pair<json, json>> forms = {{{2, 28, 28}, data},
                                                    {{2, 1, 28, 28}, data},
                                                    {{2, 28, 28}, images},
                                                    {{2, 1, 28, 28}, channels}};
  for (const auto& [shape, values] : forms) {
    json request = flat;
    request["inputs"][0]["shape"] = shape;
    request["inputs"][0]["data"] = values;
    const Reply reply = infer(request);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(output(reply, "probabilities"), expected);
  }
}

TEST_F(ProtocolTest, TakesFloatsAsNetworkInputs) {
  const PixelScaling scaling = builtin_model().pixels;
  json request = infer_request(1);
  const json expected = output(infer(request), "probabilities").at("data");
  for (json& value : request["inputs"][0]["data"]) {
    value = static_cast<float>(value.get<double>() * scaling.scale + scaling.offset);
  }
  request["inputs"][0]["datatype"] = "FP32";
  const json got = output(infer(request), "probabilities").at("data");
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(got[i].get<double>(), expected[i].get<double>(), 1e-5);
  }
}

TEST_F(ProtocolTest, SpeaksBinaryTensorsBothWays) {
  const json plain = infer_request(1);
  const std::vector<float> expected = output(infer(plain), "probabilities").at("data");
  std::string bytes;
  for (const json& value : plain.at("inputs")[0].at("data")) {
    bytes += static_cast<char>(value.get<int>());
  }
  json request = plain;
  request["inputs"][0].erase("data");
  request["inputs"][0]["parameters"] = {{"binary_data_size", 784}};
  request["parameters"] = {{"binary_data_output", true}};
  request["outputs"] = {{{"name", "probabilities"}},
                        {{"name", "class"}, {"parameters", {{"binary_data", false}}}}};
  const std::string text = request.dump();
  const Reply reply =
      server_.ask(post(kInfer, text + bytes,
                       "Inference-Header-Content-Length: " + std::to_string(text.size()) + "\r\n"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string name = "Inference-Header-Content-Length: ";
  ASSERT_TRUE(reply.has(name));
  const size_t length = std::stoul(reply.head.substr(reply.head.find(name) + name.size()));
  ASSERT_EQ(reply.body.size(), length + 40);
  const json answer = json::parse(reply.body.substr(0, length));
  EXPECT_EQ(answer.at("outputs")[0].at("parameters").at("binary_data_size"), 40);
  EXPECT_EQ(answer.at("outputs")[1].at("data").size(), 1U);
  std::vector<float> got(10);
  std::memcpy(got.data(), reply.body.data() + length, 40);
  EXPECT_EQ(got, expected);
}

std::string png_of(const Image& image) {
  MemorySink sink;
  write_png(image, sink);
  return {reinterpret_cast<const char*>(sink.bytes.data()), sink.bytes.size()};
}

TEST_F(ProtocolTest, ClassifiesPicturesAsTheLibraryDoes) {
  Classifier classifier(builtin_model(), 1);
  const Dataset digits = synthetic_digits(8, 3);
  for (size_t i = 0; i < digits.size(); ++i) {
    Image image{28, 28, {}};
    image.pixels.assign(digits.pixels.begin() + static_cast<std::ptrdiff_t>(i * 784),
                        digits.pixels.begin() + static_cast<std::ptrdiff_t>((i + 1) * 784));
    for (const bool is_raw : {false, true}) {
      const Prediction expected =
          classifier.classify(image, is_raw ? Preparation::kNone : Preparation::kAutomatic);
      const Reply reply =
          server_.ask(post(is_raw ? "/v1/classify?raw=1" : "/v1/classify?model=digit",
                           png_of(image), "Content-Type: image/png\r\n"));
      ASSERT_EQ(reply.status, 200) << reply.body;
      EXPECT_EQ(reply.json().at("prediction"), expected.label);
      EXPECT_NEAR(reply.json().at("probability").get<double>(), expected.probability, 1e-6);
      EXPECT_EQ(reply.json().at("probabilities").size(), 10U);
    }
  }
}

TEST_F(ProtocolTest, TellsPrometheus) {
  infer(infer_request(5));
  server_.ask(get("/nothing"));
  // A request is counted when its answer has been sent, which its client may see first.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const Reply reply = server_.ask(get("/metrics"));
  EXPECT_TRUE(reply.has("Content-Type: text/plain; version=0.0.4"));
  for (const char* line : {"mnist_requests_total{code=\"200\"} 1\n",
                           "mnist_requests_total{code=\"404\"} 1\n", "mnist_images_total 5\n",
                           "mnist_batch_images_bucket{le=\"8\"} 1\n", "mnist_batch_images_sum 5\n",
                           "mnist_request_seconds_count 2\n", "mnist_queue_length 0\n"}) {
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << reply.body;
  }
}

TEST_F(ProtocolTest, ShowsAPageThatMayLoadNothingFromElsewhere) {
  const Reply reply = server_.ask(get("/"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("digit"), std::string::npos);
  for (const char* header :
       {"Content-Type: text/html", "Content-Security-Policy: default-src 'none'; script-src 'self'",
        "Cross-Origin-Opener-Policy: same-origin", "Cross-Origin-Embedder-Policy: require-corp",
        "Cross-Origin-Resource-Policy: same-origin", "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer"}) {
    EXPECT_TRUE(reply.has(header)) << header;
  }
  EXPECT_FALSE(reply.has("Access-Control-Allow-Origin"));
  EXPECT_EQ(server_.ask(get("/overview.css")).status, 200);
  // Without one of its own, a browser asks for /favicon.ico, and complains that there is none.
  EXPECT_NE(server_.ask(get("/overview")).body.find("<link rel=\"icon\""), std::string::npos);
}

TEST_F(ProtocolTest, AnswersHeadWithoutContent) {
  Client client = server_.connect();
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Reply head = client.receive(false);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(client.ask(get("/v2/health/live")).status, 200);
}

TEST_F(ProtocolTest, TakesOwnNamesAndOrigins) {
  for (const char* host : {"localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:80"}) {
    const std::string text = std::string("GET /v2 HTTP/1.1\r\nHost: ") + host +
                             "\r\nOrigin: http://" + host +
                             "\r\nSec-Fetch-Site: same-origin\r\n\r\n";
    EXPECT_EQ(server_.ask(text).status, 200) << host;
  }
}

TEST_F(ProtocolTest, TakesChunksAndExpectations) {
  const std::string body = infer_request(1).dump();
  char size[16];
  std::snprintf(size, sizeof(size), "%zx", body.size());
  const std::string head = std::string("POST ") + kInfer +
                           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  EXPECT_EQ(server_
                .ask(head + "Transfer-Encoding: chunked\r\n\r\n" + size + ";x=1\r\n" + body +
                     "\r\n0\r\n\r\n")
                .status,
            200);
  Client client = server_.connect();
  client.send(head + "Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  EXPECT_EQ(client.ask(body).status, 200);
}

TEST_F(ProtocolTest, ServesThePagesThatItIsGiven) {
  const std::string script = "let x = 1;\n";
  const std::string page = "<!doctype html>";
  ServiceOptions options;
  options.page.assets = {{"/", "text/html; charset=utf-8", std::as_bytes(std::span(page))},
                         {"/page.js", "text/javascript", std::as_bytes(std::span(script))}};
  RunningServer server(options);
  EXPECT_EQ(server.ask(get("/")).body, page);
  const Reply reply = server.ask(get("/page.js"));
  EXPECT_EQ(reply.body, script);
  EXPECT_TRUE(reply.has("Content-Type: text/javascript"));
}

}  // namespace
}  // namespace mnist
