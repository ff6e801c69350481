// POST /v1/classify: a picture in, a digit out.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "classify/evaluate.h"
#include "data/prepare.h"
#include "mnist/error.h"
#include "mnist/image_file.h"
#include "serve/service.h"

namespace mnist {
namespace {

// The query's parameters.
struct Question {
  std::string model;
  bool is_raw = false;  // the picture is in the network's form already
};

Question parse_question(std::string_view query) {
  Question question;
  bool has_raw = false;
  while (!query.empty()) {
    const std::string_view word = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(word.size() + 1, query.size()));
    const std::string_view name = word.substr(0, word.find('='));
    const std::string_view value = word.substr(std::min(name.size() + 1, word.size()));
    if (name == "model" && question.model.empty() && !value.empty()) {
      question.model = value;
    } else if (name == "raw" && !has_raw && (value == "0" || value == "1")) {
      has_raw = true;
      question.is_raw = value == "1";
    } else {
      throw Error(fmt::format("'{}': model=NAME and raw=0 or 1 are what can be asked, once each",
                              printable(word, 60)));
    }
  }
  return question;
}

bool is_picture(const std::string& type) {
  static constexpr std::array<std::string_view, 6> kTypes = {"image/png",
                                                             "image/jpeg",
                                                             "image/x-portable-graymap",
                                                             "image/x-portable-pixmap",
                                                             "image/x-portable-anymap",
                                                             "application/octet-stream"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

Image network_image(const Request& request, const ServedModel& model, bool is_raw) {
  const InputSize& size = model.size();
  const auto bytes = std::as_bytes(std::span(request.body));
  Image image = is_raw ? decode_image(bytes, "picture", {size.height, size.width})
                       : decode_image(bytes, "picture");
  if (!is_raw && model.preparation()) return prepare_digit(image, *model.preparation());
  if (image.height != size.height || image.width != size.width) {
    throw Error(fmt::format("picture: {} x {} pixels expected by {}, got {} x {}", size.width,
                            size.height, model.name(), image.width, image.height));
  }
  return image;
}

Response prediction(const ServedModel& model, std::vector<float> logits) {
  softmax(logits.data(), logits.size());
  const auto best = std::max_element(logits.begin(), logits.end());
  if (!std::isfinite(*best))
    throw Error(fmt::format("{}: its outputs are not finite", model.name()));
  std::array<char, 64> buffer;
  std::string list;
  for (float value : logits) {
    if (!list.empty()) list += ',';
    list += shortest_json(value, buffer);
  }
  const auto index = static_cast<size_t>(best - logits.begin());
  Response response;
  response.body = fmt::format(
      "{{\"model\":\"{}\",\"prediction\":{},\"class\":{},\"probability\":{},"
      "\"probabilities\":[{}]}}\n",
      model.name(), index, quote_json(printable(model.class_name(index), 200), "class"),
      shortest_json(*best, buffer), list);
  return response;
}

}  // namespace

void Service::classify(const Request& request, Respond respond) {
  if (request.method != "POST") {
    Response response = error_response(405, "POST expected here");
    response.headers.emplace_back("Allow", "POST");
    respond([response] { return response; });
    return;
  }
  if (!is_picture(media_type(request))) {
    respond([] {
      return error_response(415,
                            "Content-Type: image/png, image/jpeg, image/x-portable-graymap or "
                            "application/octet-stream expected");
    });
    return;
  }
  const Question question = parse_question(request.query);
  ServedModel* model = question.model.empty() ? models_.front().get() : find(question.model);
  if (model == nullptr) {
    respond([name = question.model] {
      return error_response(404, fmt::format("model '{}' is not served here", name));
    });
    return;
  }
  Job job;
  job.model = model;
  job.images = 1;
  job.pixels = network_image(request, *model, question.is_raw).pixels;
  job.done = [model, respond](std::vector<float> logits) {
    respond([model, logits = std::move(logits)]() mutable {
      return prediction(*model, std::move(logits));
    });
  };
  submit(std::move(job), respond);
}

}  // namespace mnist
