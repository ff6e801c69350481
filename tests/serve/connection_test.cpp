// Connections: kept, shared out, bounded in time and number, and ended in good order.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>

#include "client.h"
#include "mnist/error.h"
#include "serve/batcher.h"

namespace mnist {
namespace {

using namespace mnist::testing;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr char kInfer[] = "/v2/models/digit/infer";

HttpOptions quick(std::chrono::milliseconds request) {
  HttpOptions options;
  options.limits.request = request;
  options.limits.idle = request;
  return options;
}

TEST(Connection, IsKeptAndTakesRequestsInARow) {
  RunningServer server;
  Client client = server.connect();
  client.send(get("/v2/health/live") + get("/v2") + get("/nothing") + get("/v2/health/ready"));
  for (int status : {200, 200, 404, 200}) EXPECT_EQ(client.receive().status, status);
  const Reply last = client.ask(get("/v2", "Connection: close\r\n"));
  EXPECT_EQ(last.status, 200);
  EXPECT_TRUE(last.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST(Connection, TakesARequestByteByByte) {
  RunningServer server;
  Client client = server.connect();
  for (char c : get("/v2/health/live")) ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_EQ(client.receive().status, 200);
}

TEST(Deadline, EndsARequestThatTrickles) {
  RunningServer server({}, quick(500ms));
  Client client = server.connect();
  const auto start = Clock::now();
  std::thread drip([&] {
    client.send("GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: ");
    while (Clock::now() - start < 3s && client.send("a")) std::this_thread::sleep_for(50ms);
  });
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 408);
  EXPECT_LT(Clock::now() - start, 2s);
  drip.join();
}

TEST(Deadline, EndsContentThatTrickles) {
  RunningServer server({}, quick(500ms));
  Client client = server.connect();
  client.send(std::string("POST ") + kInfer +
              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              "Content-Length: 1000\r\n\r\n{");
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Deadline, EndsAConnectionThatSaysNothing) {
  RunningServer server({}, quick(300ms));
  Client client = server.connect();
  EXPECT_EQ(client.receive().status, 0);
  EXPECT_TRUE(client.is_closed());
}

// A client that asks for more and more and never takes an answer.
TEST(Deadline, EndsAClientThatDoesNotListen) {
  RunningServer server({}, quick(500ms));
  Client client = server.connect();
  const std::string requests = get("/") + get("/") + get("/") + get("/");
  const auto start = Clock::now();
  while (Clock::now() - start < 10s && client.send(requests)) {
  }
  EXPECT_LT(Clock::now() - start, 9s);
}

TEST(Limit, SlowConnectionsDoNotStopANormalClient) {
  HttpOptions options;
  options.limits.connections = 128;
  RunningServer server({}, options);
  std::deque<Client> slow;
  std::vector<double> milliseconds;
  const std::string request = post(kInfer, infer_request(1).dump());
  for (size_t i = 0; i < 500; ++i) {
    slow.emplace_back(server.port());
    ASSERT_TRUE(slow.back().is_connected()) << i;
    slow.back().send("POST /v2/models/digit/infer HTTP/1.1\r\nHost: lo");
    if (i % 10 != 0) continue;
    const auto start = Clock::now();
    EXPECT_EQ(server.ask(request).status, 200) << i;
    milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  EXPECT_LT(milliseconds[milliseconds.size() * 9 / 10], 1000.0);
  EXPECT_LE(server.http().connections(), 128U);
  EXPECT_GE(server.http().evictions(), 300U);
}

// An honest client between two requests keeps its connection while slow newcomers lose theirs.
TEST(Limit, KeepsTheClientThatHasAskedBefore) {
  HttpOptions options;
  options.limits.connections = 8;
  RunningServer server({}, options);
  Client honest = server.connect();
  ASSERT_EQ(honest.ask(get("/v2")).status, 200);
  std::deque<Client> slow;
  for (size_t i = 0; i < 40; ++i) {
    slow.emplace_back(server.port());
    slow.back().send("GET /");
  }
  EXPECT_EQ(honest.ask(get("/v2")).status, 200);
}

TEST(Drain, FinishesWhatHasBegunAndEndsTheRest) {
  RunningServer server;
  Client idle = server.connect();
  ASSERT_EQ(idle.ask(get("/v2")).status, 200);
  Client begun = server.connect();
  const std::string request = post(kInfer, infer_request(1).dump());
  begun.send(request.substr(0, 100));
  std::this_thread::sleep_for(100ms);
  const auto start = Clock::now();
  server.http().stop();
  EXPECT_TRUE(idle.is_closed());
  const Reply reply = begun.ask(request.substr(100));
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.has("Connection: close"));
  server.stop();
  EXPECT_LT(Clock::now() - start, 1500ms);
}

TEST(Drain, DoesNotWaitForeverForSlowClients) {
  RunningServer server;
  Client slow = server.connect();
  slow.send("GET /v2 HTT");
  std::this_thread::sleep_for(100ms);
  const auto start = Clock::now();
  server.stop();
  EXPECT_LT(Clock::now() - start, 2500ms);
}

TEST(Port, InUseIsSaid) {
  RunningServer server;
  HttpOptions options;
  options.port = server.port();
  EXPECT_THROW(HttpServer(options, {}), Error);
}

std::vector<float> probabilities(const Reply& reply) {
  return reply.json().at("outputs")[0].at("data").get<std::vector<float>>();
}

// Sixteen clients at once, with batching and without.
class BatchingTest : public ::testing::TestWithParam<bool> {};

TEST_P(BatchingTest, GivesEveryClientItsOwnAnswer) {
  ServiceOptions options;
  options.batching.is_on = GetParam();
  options.batching.wait = std::chrono::microseconds(GetParam() ? 2000 : 0);
  RunningServer server(options);
  // Image i of the request has its stroke at a place of its own.
  const nlohmann::json all = infer_request(8);
  std::vector<std::string> requests;
  std::vector<std::vector<float>> expected;
  for (size_t i = 0; i < 8; ++i) {
    nlohmann::json one = infer_request(1);
    const auto& data = all.at("inputs")[0].at("data");
    one["inputs"][0]["data"] =
        std::vector<int>(data.begin() + static_cast<std::ptrdiff_t>(i * 784),
                         data.begin() + static_cast<std::ptrdiff_t>((i + 1) * 784));
    requests.push_back(post(kInfer, one.dump()));
    expected.push_back(probabilities(server.ask(requests.back())));
  }
  std::vector<std::thread> clients;
  std::atomic<size_t> wrong{0};
  for (size_t i = 0; i < 16; ++i) {
    clients.emplace_back([&, i] {
      Client client = server.connect();
      for (size_t round = 0; round < 20; ++round) {
        const size_t index = (i + round) % 8;
        const Reply reply = client.ask(requests[index]);
        if (reply.status != 200) {
          ++wrong;
          continue;
        }
        const std::vector<float> got = probabilities(reply);
        for (size_t k = 0; k < 10; ++k) {
          const float difference = std::abs(got[k] - expected[index][k]);
          if (difference > (GetParam() ? 1e-5F : 0.0F)) ++wrong;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0U);
  const std::string metrics = server.ask(get("/metrics")).body;
  const bool had_batches =
      metrics.find("mnist_batch_images_bucket{le=\"1\"} 328\n") == std::string::npos;
  EXPECT_EQ(had_batches, GetParam()) << metrics;
}

INSTANTIATE_TEST_SUITE_P(OnAndOff, BatchingTest, ::testing::Bool());

TEST(Queue, RefusesWhatIsTooMuch) {
  ThreadPool threads(1);
  ServedModel model("digit", grey_input(builtin_model(), "digit"), threads, nullptr);
  BatchOptions options;
  options.longest_queue = 2;
  options.wait = 200ms;
  std::atomic<size_t> done{0};
  {
    Batcher batcher(options, [](size_t) {});
    const auto job = [&] {
      return Job{&model, 1, std::vector<uint8_t>(784), {}, [&](std::vector<float>) { ++done; }};
    };
    EXPECT_TRUE(batcher.submit(job()));
    EXPECT_TRUE(batcher.submit(job()));
    EXPECT_FALSE(batcher.submit(job()));
    EXPECT_EQ(batcher.queue_length(), 2U);
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(batcher.queue_length(), 0U);
  }
  EXPECT_EQ(done, 2U);
}

}  // namespace
}  // namespace mnist
