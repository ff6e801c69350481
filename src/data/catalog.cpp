#include "data/catalog.h"

namespace mnist {
namespace {

constexpr std::string_view kTrainImages = "train-images-idx3-ubyte";
constexpr std::string_view kTrainLabels = "train-labels-idx1-ubyte";
constexpr std::string_view kTestImages = "t10k-images-idx3-ubyte";
constexpr std::string_view kTestLabels = "t10k-labels-idx1-ubyte";

// All three sets are 60,000 and 10,000 images of 28 x 28.
constexpr uint64_t kTrainImagesSize = 16 + 60'000 * 784;
constexpr uint64_t kTrainLabelsSize = 8 + 60'000;
constexpr uint64_t kTestImagesSize = 16 + 10'000 * 784;
constexpr uint64_t kTestLabelsSize = 8 + 10'000;

const std::vector<CatalogEntry>& catalog() {
  static const std::vector<CatalogEntry> entries = {
      {"mnist",
       "MNIST",
       {{{kTrainImages, kTrainImagesSize,
          "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
          "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
         {kTrainLabels, kTrainLabelsSize,
          "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
          "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
         {kTestImages, kTestImagesSize,
          "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
          "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
         {kTestLabels, kTestLabelsSize,
          "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
          "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}}},
       {"https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/"},
       {}},
      {"fashion-mnist",
       "FashionMNIST",
       {{{kTrainImages, kTrainImagesSize,
          "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
          "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
         {kTrainLabels, kTrainLabelsSize,
          "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
          "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
         {kTestImages, kTestImagesSize,
          "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
          "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
         {kTestLabels, kTestLabelsSize,
          "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
          "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}}},
       {"https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"},
       {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot"}},
      {"kmnist",
       "KMNIST",
       {{{kTrainImages, kTrainImagesSize, "",
          "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"},
         {kTrainLabels, kTrainLabelsSize, "",
          "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"},
         {kTestImages, kTestImagesSize, "",
          "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"},
         {kTestLabels, kTestLabelsSize, "",
          "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}}},
       {"https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
       {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}},
  };
  return entries;
}

}  // namespace

std::string_view split_name(Split split) { return split == Split::kTrain ? "train" : "test"; }

std::string_view idx_images_name(Split split) {
  return split == Split::kTrain ? kTrainImages : kTestImages;
}

std::string_view idx_labels_name(Split split) {
  return split == Split::kTrain ? kTrainLabels : kTestLabels;
}

std::span<const CatalogFile> files_of(const CatalogEntry& entry, Split split) {
  return std::span(entry.files).subspan(split == Split::kTrain ? 0 : 2, 2);
}

const CatalogEntry* find_in_catalog(std::string_view name) {
  for (const CatalogEntry& entry : catalog()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::vector<std::string> catalog_names() {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog()) names.emplace_back(entry.name);
  return names;
}

}  // namespace mnist
