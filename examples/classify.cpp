// Says which digit a picture shows: classify PICTURE [MODEL]
#include <mnist/classifier.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) try {
  mnist::Classifier classifier(argc > 2 ? mnist::load_model(argv[2]) : mnist::builtin_model());
  mnist::Prediction answer = classifier.classify(mnist::read_image(argc > 1 ? argv[1] : "-"));
  std::printf("%s (%.1f %%)\n", answer.name.c_str(), 100.0 * answer.probability);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "classify: %s\n", error.what());
  return 1;
}
