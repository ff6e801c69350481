// POST /v1/classify: a picture in, a digit out.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "classify/evaluate.h"
#include "data/fit.h"
#include "data/prepare.h"
#include "mnist/error.h"
#include "mnist/image_file.h"
#include "serve/service.h"

namespace mnist {
namespace {

// The query's parameters.
struct Question {
  std::string model;
  bool is_raw = false;      // the picture is in the network's form already
  bool is_fit = false;      // it is only to be shrunk to that
  bool shows_seen = false;  // the answer has the pixels that the network saw
};

// A parameter that is 0 or 1.
struct Switch {
  std::string_view name;
  bool Question::*value;
};
constexpr Switch kSwitches[] = {
    {"raw", &Question::is_raw}, {"fit", &Question::is_fit}, {"seen", &Question::shows_seen}};

Question parse_question(std::string_view query) {
  Question question;
  std::vector<std::string_view> given;
  while (!query.empty()) {
    const std::string_view word = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(word.size() + 1, query.size()));
    const std::string_view name = word.substr(0, word.find('='));
    const std::string_view value = word.substr(std::min(name.size() + 1, word.size()));
    const auto* found = std::find_if(std::begin(kSwitches), std::end(kSwitches),
                                     [&](const Switch& each) { return each.name == name; });
    const bool is_new = std::find(given.begin(), given.end(), name) == given.end();
    if (name == "model" && is_new && !value.empty()) {
      question.model = value;
    } else if (found != std::end(kSwitches) && is_new && (value == "0" || value == "1")) {
      question.*found->value = value == "1";
    } else {
      throw Error(fmt::format(
          "'{}': model=NAME, raw, fit and seen (0 or 1) are what can be asked, once each",
          printable(word, 60)));
    }
    given.push_back(name);
  }
  if (question.is_raw && question.is_fit) throw Error("raw=1 and fit=1: one of them");
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

Image network_image(const Request& request, const ServedModel& model, const Question& question) {
  const InputSize& size = model.size();
  const auto bytes = std::as_bytes(std::span(request.body));
  Image image = question.is_raw ? decode_image(bytes, "picture", {size.height, size.width})
                                : decode_image(bytes, "picture");
  if (question.is_fit) return fit_picture(image, size.height, size.width);
  if (!question.is_raw && model.preparation()) return prepare_digit(image, *model.preparation());
  if (image.height != size.height || image.width != size.width) {
    throw Error(fmt::format("picture: {} x {} pixels expected by {}, got {} x {}", size.width,
                            size.height, model.name(), image.width, image.height));
  }
  return image;
}

// `seen` are the pixels, where they were asked for.
Response prediction(const ServedModel& model, std::vector<float> logits,
                    const std::vector<uint8_t>& seen) {
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
      "\"probabilities\":[{}]{}}}\n",
      model.name(), index, quote_json(printable(model.class_name(index), 200), "class"),
      shortest_json(*best, buffer), list,
      seen.empty() ? "" : fmt::format(",\"seen\":[{}]", fmt::join(seen, ",")));
  return response;
}

}  // namespace

void Service::classify(const Request& request, const Respond& respond) {
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
  job.pixels = network_image(request, *model, question).pixels;
  std::vector<uint8_t> seen;
  if (question.shows_seen) seen = job.pixels;
  job.done = [model, respond, seen = std::move(seen)](std::vector<float> logits) mutable {
    respond([model, seen = std::move(seen), logits = std::move(logits)]() mutable {
      return prediction(*model, std::move(logits), seen);
    });
  };
  submit(std::move(job), respond);
}

}  // namespace mnist
