#include "serve/overview_page.h"

#include <fmt/format.h>

namespace mnist {
namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return result;
}

constexpr char kTop[] = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mnist serve</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="overview.css">
</head>
<body>
<main>
<h1>mnist serve</h1>
<h2>Models</h2>
<table>
<tr><th>name</th><th>network</th><th>image</th><th>classes</th></tr>
)";

constexpr char kBottom[] = R"(</table>
<h2>Ask them</h2>
<table>
<tr><td><code>POST /v1/classify?model=NAME</code></td><td>A PNG, JPEG or PGM: which digit it shows</td></tr>
<tr><td><code>POST /v2/models/NAME/infer</code></td><td>Open Inference Protocol</td></tr>
<tr><td><a href="v2">/v2</a></td><td>This server</td></tr>
<tr><td><a href="v2/health/ready">/v2/health/ready</a></td><td>Whether it is ready</td></tr>
<tr><td><a href="metrics">/metrics</a></td><td>Statistics for Prometheus</td></tr>
</table>
</main>
</body>
</html>
)";

}  // namespace

std::string overview_page(const std::vector<std::unique_ptr<ServedModel>>& models) {
  std::string page = kTop;
  for (const auto& model : models) {
    page += fmt::format(
        "<tr><td><a href=\"v2/models/{0}\">{0}</a></td><td>{1}</td><td>{2} x {3}</td>"
        "<td>{4}</td></tr>\n",
        model->name(), escaped(model->architecture()), model->size().height, model->size().width,
        model->classes());
  }
  return page + kBottom;
}

std::string overview_style() {
  return R"(:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; }
main { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid #8886; }
td { overflow-wrap: anywhere; }
)";
}

}  // namespace mnist
