// Requests that no honest client sends, each with the status that it has to get.
#include <gtest/gtest.h>

#include "client.h"

namespace mnist {
namespace {

using namespace mnist::testing;
using std::string;

struct Hostile {
  string name;
  string bytes;
  int status;
};

const string kInfer = "/v2/models/digit/infer";

string with_headers(const string& headers) { return "GET /v2 HTTP/1.1\r\n" + headers + "\r\n"; }

string posted(const string& headers, const string& body) {
  return "POST " + kInfer + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         headers + "\r\n" + body;
}

string infer(const string& json) { return post(kInfer, json); }

string tensor(const string& members) {
  return infer(R"({"inputs":[{"name":"input",)" + members + "}]}");
}

string repeated(const string& text, size_t count) {
  string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

string zeros(size_t count) { return "[" + repeated("0,", count - 1) + "0]"; }

std::vector<Hostile> framing() {
  const string host = "Host: localhost\r\n";
  const string chunked = "Transfer-Encoding: chunked\r\n";
  return {
      {"length_and_coding", posted("Content-Length: 5\r\n" + chunked, "0\r\n\r\n"), 400},
      {"coding_and_length", posted(chunked + "Content-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"two_lengths", posted("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"), 400},
      {"two_equal_lengths", posted("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400},
      {"length_list", posted("Content-Length: 2, 2\r\n", "{}"), 400},
      {"negative_length", posted("Content-Length: -1\r\n", ""), 400},
      {"signed_length", posted("Content-Length: +2\r\n", "{}"), 400},
      {"hex_length", posted("Content-Length: 0x2\r\n", "{}"), 400},
      {"empty_length", posted("Content-Length:\r\n", ""), 400},
      {"length_beyond_64_bits", posted("Content-Length: 18446744073709551618\r\n", ""), 413},
      {"huge_length", posted("Content-Length: 99999999999\r\n", ""), 413},
      {"body_over_limit", posted("Content-Length: 1048577\r\n", ""), 413},
      {"no_length", posted("", ""), 411},
      {"gzip_coding", posted("Transfer-Encoding: gzip\r\n", ""), 501},
      {"gzip_then_chunked", posted("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked_then_gzip", posted("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 501},
      {"coding_twice", posted(chunked + chunked, "0\r\n\r\n"), 400},
      {"coding_in_disguise", posted("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"coding_with_vertical_tab", posted("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400},
      {"chunk_size_no_hex", posted(chunked, "zz\r\n{}\r\n0\r\n\r\n"), 400},
      {"chunk_size_beyond_64_bits", posted(chunked, "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400},
      {"chunk_size_negative", posted(chunked, "-2\r\n{}\r\n0\r\n\r\n"), 400},
      {"chunk_over_limit", posted(chunked, "200000\r\n" + string(0x200000, ' ')), 413},
      {"chunk_longer_than_said", posted(chunked, "1\r\n{}\r\n0\r\n\r\n"), 400},
      {"chunk_bare_lf", posted(chunked, "2\n{}\n0\n\n"), 400},
      {"chunk_extension_long", posted(chunked, "2;a=" + string(300, 'b') + "\r\n{}\r\n0\r\n\r\n"),
       400},
      {"trailers", posted(chunked, "2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n"), 400},
      {"trailer_announced", posted(chunked + "Trailer: Host\r\n", "0\r\n\r\n"), 400},
      {"get_with_content", "GET /v2 HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 400},
      {"expectation", posted("Content-Length: 2\r\nExpect: a-miracle\r\n", "{}"), 417},
  };
}

std::vector<Hostile> heads() {
  const string host = "Host: localhost\r\n";
  return {
      {"bare_lf", "GET /v2 HTTP/1.1\nHost: localhost\n\n", 400},
      {"bare_lf_in_header", with_headers("Host: localhost\nX: 1\r\n"), 400},
      {"bare_cr", with_headers("Host: localhost\rX: 1\r\n"), 400},
      {"nul_in_header", with_headers("Host: localhost\r\nX: a" + string(1, '\0') + "b\r\n"), 400},
      {"escape_in_header", with_headers(host + "X: \x1b[31m\r\n"), 400},
      {"folded_header", with_headers(host + "X: 1\r\n  2\r\n"), 400},
      {"folded_first_header", with_headers(" X: 1\r\n" + host), 400},
      {"header_without_colon", with_headers(host + "X\r\n"), 400},
      {"header_without_name", with_headers(host + ": 1\r\n"), 400},
      {"space_in_header_name", with_headers(host + "X Y: 1\r\n"), 400},
      {"space_before_colon", with_headers("Host : localhost\r\n"), 400},
      {"header_too_long", with_headers(host + "X: " + string(9000, 'a') + "\r\n"), 431},
      {"head_never_ends", "GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: " + string(20'000, 'a'), 431},
      {"too_many_headers", with_headers(host + repeated("X: 1\r\n", 64)), 431},
      {"path_too_long", get("/" + string(3000, 'a')), 414},
      {"no_version", "GET /v2\r\n\r\n", 400},
      {"version_0_9", "GET /v2 HTTP/0.9\r\n" + host + "\r\n", 505},
      {"version_1_0", "GET /v2 HTTP/1.0\r\n" + host + "\r\n", 505},
      {"version_2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version_in_small_letters", "GET /v2 http/1.1\r\n" + host + "\r\n", 400},
      {"version_no_number", "GET /v2 HTTP/x.y\r\n" + host + "\r\n", 400},
      {"two_spaces", "GET  /v2 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"space_in_path", "GET /v2 /v1 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"tab_for_space", "GET\t/v2 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"leading_empty_line", "\r\n" + get("/v2"), 400},
      {"method_no_token", "G(T /v2 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"absolute_target", "GET http://localhost/v2 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"authority_target", "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"asterisk_target", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"fragment_in_target", get("/v2#x"), 400},
      {"byte_over_127_in_target", get("/v2\xff"), 400},
      {"tls_hello", string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400},
      {"no_host", "GET /v2 HTTP/1.1\r\n\r\n", 400},
      {"two_hosts", with_headers(host + host), 400},
      {"empty_host", with_headers("Host:\r\n"), 400},
  };
}

std::vector<Hostile> strangers() {
  const string json = "Content-Type: application/json\r\n";
  const string host = "Host: localhost\r\n";
  return {
      {"rebound_host", with_headers("Host: evil.example\r\n"), 403},
      {"host_with_own_prefix", with_headers("Host: localhost.evil.example\r\n"), 403},
      {"host_other_address", with_headers("Host: 10.0.0.1:8080\r\n"), 403},
      {"host_with_user", with_headers("Host: localhost@evil.example\r\n"), 403},
      {"host_with_bad_port", with_headers("Host: localhost:8080x\r\n"), 400},
      {"origin_elsewhere", get("/v2", "Origin: http://evil.example\r\n"), 403},
      {"origin_null", get("/v2", "Origin: null\r\n"), 403},
      {"origin_other_port", get("/v2", "Origin: http://localhost:81\r\n"), 403},
      {"fetched_cross_site", get("/v2", "Sec-Fetch-Site: cross-site\r\n"), 403},
      {"form", post(kInfer, "{}", "Content-Type: text/plain\r\n"), 415},
      {"urlencoded_form", post(kInfer, "{}", "Content-Type: application/x-www-form-urlencoded\r\n"),
       415},
      {"multipart_form", post("/v1/classify", "x", "Content-Type: multipart/form-data\r\n"), 415},
      {"picture_without_type", post("/v1/classify", "x", ""), 415},
      {"gzipped_content", post(kInfer, "{}", json + "Content-Encoding: gzip\r\n"), 415},
      {"unknown_path", get("/etc/passwd"), 404},
      {"path_up", get("/../../etc/passwd"), 404},
      {"path_up_encoded", get("/%2e%2e/%2e%2e/etc/passwd"), 404},
      {"model_path_up", get("/v2/models/../../secret"), 404},
      {"unknown_model", get("/v2/models/other"), 404},
      {"unknown_version", get("/v2/models/digit/versions/2"), 404},
      {"load_a_model", post("/v2/repository/models/digit/unload", "{}"), 404},
      {"delete_a_model", "DELETE /v2/models/digit HTTP/1.1\r\n" + host + "\r\n", 405},
      {"options", "OPTIONS /v2 HTTP/1.1\r\n" + host + "\r\n", 405},
      {"trace", "TRACE / HTTP/1.1\r\n" + host + "\r\n", 405},
      {"put", "PUT / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", 405},
      {"get_infer", get(kInfer), 405},
      {"unknown_question",
       post("/v1/classify?file=/etc/passwd", "x", "Content-Type: image/png\r\n"), 400},
      {"png_that_is_none", post("/v1/classify", "no png", "Content-Type: image/png\r\n"), 400},
      {"picture_empty", post("/v1/classify", "", "Content-Type: image/png\r\n"), 400},
      {"pgm_bomb",
       post("/v1/classify", "P5 99999 99999 255\n", "Content-Type: image/x-portable-graymap\r\n"),
       400},
  };
}

std::vector<Hostile> contents() {
  const string shape = R"("datatype":"UINT8","shape":[1,784],)";
  const string binary =
      "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: ";
  const string binary_json = R"({"inputs":[{"name":"input","datatype":"UINT8","shape":[1,784],)"
                             R"("parameters":{"binary_data_size":784}}]})";
  const string length = std::to_string(binary_json.size());
  return {
      {"no_json", infer("hello"), 400},
      {"json_cut", infer("{\"inputs\":["), 400},
      {"json_twice", infer("{}{}"), 400},
      {"json_array", infer("[]"), 400},
      {"json_deep", infer(string(100'000, '[')), 400},
      {"json_no_utf8", infer("{\"id\":\"\xff\"}"), 400},
      {"json_key_twice", infer(R"({"id":"a","id":"b","inputs":[]})"), 400},
      {"json_nan", tensor(R"("datatype":"FP32","shape":[1,784],"data":[NaN])"), 400},
      {"json_infinite", tensor(R"("datatype":"FP32","shape":[1,784],"data":[1e999])"), 400},
      {"beyond_float32",
       tensor(R"("datatype":"FP32","shape":[1,784],"data":[1e39,)" + repeated("0,", 782) + "0]"),
       400},
      {"unknown_member", infer(R"({"inputs":[],"file":"/etc/passwd"})"), 400},
      {"unknown_parameter", infer(R"({"inputs":[],"parameters":{"shared_memory_region":"x"}})"),
       400},
      {"id_no_text", infer(R"({"id":5,"inputs":[]})"), 400},
      {"no_inputs", infer("{}"), 400},
      {"inputs_empty", infer(R"({"inputs":[]})"), 400},
      {"other_input", infer(R"({"inputs":[{"name":"x"}]})"), 400},
      {"no_data", tensor(R"("datatype":"UINT8","shape":[1,784])"), 400},
      {"data_too_short", tensor(shape + R"("data":[1,2,3])"), 400},
      {"data_too_long", tensor(shape + "\"data\":" + zeros(785)), 400},
      {"data_text", tensor(shape + R"("data":"AAAA")"), 400},
      {"pixel_256", tensor(shape + "\"data\":[256," + repeated("0,", 782) + "0]"), 400},
      {"pixel_negative", tensor(shape + "\"data\":[-1," + repeated("0,", 782) + "0]"), 400},
      {"pixel_no_whole_number", tensor(shape + "\"data\":[0.5," + repeated("0,", 782) + "0]"), 400},
      {"shape_huge", tensor(R"("datatype":"UINT8","shape":[1000000,784],"data":[0])"), 400},
      {"shape_overflow",
       tensor(R"("datatype":"UINT8","shape":[9223372036854775807,784],"data":[0])"), 400},
      {"shape_zero", tensor(R"("datatype":"UINT8","shape":[0,784],"data":[])"), 400},
      {"shape_negative", tensor(R"("datatype":"UINT8","shape":[-1,784],"data":[])"), 400},
      {"shape_other", tensor(R"("datatype":"UINT8","shape":[1,32,32],"data":[])"), 400},
      {"shape_no_number", tensor(R"("datatype":"UINT8","shape":["1",784],"data":[])"), 400},
      {"nested_uneven", tensor(R"("datatype":"UINT8","shape":[1,784],"data":[[1],[2]])"), 400},
      {"datatype_bytes", tensor(R"("datatype":"BYTES","shape":[1,784],"data":[])"), 400},
      {"unknown_output", infer(R"({"inputs":[],"outputs":[{"name":"weights"}]})"), 400},
      {"output_twice", infer(R"({"inputs":[],"outputs":[{"name":"class"},{"name":"class"}]})"),
       400},
      {"binary_too_short", post(kInfer, binary_json + "abc", binary + length + "\r\n"), 400},
      {"binary_too_long", post(kInfer, binary_json + string(785, 'a'), binary + length + "\r\n"),
       400},
      {"binary_header_too_long", post(kInfer, binary_json, binary + "99999999999\r\n"), 400},
      {"binary_header_no_number", post(kInfer, binary_json, binary + "-1\r\n"), 400},
  };
}

class HostileTest : public ::testing::TestWithParam<Hostile> {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<RunningServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static std::unique_ptr<RunningServer> server_;
};
std::unique_ptr<RunningServer> HostileTest::server_;

TEST_P(HostileTest, GetsItsStatusAndHarmsNobody) {
  Client client = server_->connect();
  client.send(GetParam().bytes);
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, GetParam().status) << reply.body;
  EXPECT_TRUE(reply.json().at("error").is_string());
  EXPECT_EQ(server_->ask(get("/v2/health/live")).status, 200);
}

string name_of(const ::testing::TestParamInfo<Hostile>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Framing, HostileTest, ::testing::ValuesIn(framing()), name_of);
INSTANTIATE_TEST_SUITE_P(Head, HostileTest, ::testing::ValuesIn(heads()), name_of);
INSTANTIATE_TEST_SUITE_P(Stranger, HostileTest, ::testing::ValuesIn(strangers()), name_of);
INSTANTIATE_TEST_SUITE_P(Content, HostileTest, ::testing::ValuesIn(contents()), name_of);

// What is refused before its content was read must not have that content taken for a request.
TEST(Smuggling, NothingBehindARefusedRequestIsAnswered) {
  RunningServer server;
  Client client = server.connect();
  client.send(
      "POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
      get("/metrics"));
  client.end_sending();
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace mnist
