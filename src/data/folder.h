// A folder of labelled image files as a data set.
//
// Three forms are told apart:
// 1. LABEL_anything.png: the files lie in the folder itself and their names start with the label.
// 2. LABEL/anything.png: each sub-folder is a class. If all are called by a number, that is the
//    label; else they are numbered in alphabetical order and their names become the class names.
// 3. SOURCE/LABEL_anything.png: folders of form 1, one for each writer, camera or the like. Taken
//    where sub-folders that are not called by numbers hold only files of such names ("7.png" alone
//    is none: it may be the seventh file), and at least one of them holds files of different
//    labels.
// Images are read in alphabetical order (numbered classes: in that of the numbers). Files of other
// kinds are passed over, but an image of a kind that is not read is an error. Nothing deeper is
// read.
#pragma once

#include <filesystem>
#include <functional>

#include "data/dataset.h"
#include "mnist/image.h"

namespace mnist {

// Brings an image to another form, for instance to the size that a network reads.
using PrepareImage = std::function<Image(const Image&)>;

// Whether `directory` holds image files, itself or one level below.
bool is_image_folder(const std::filesystem::path& directory);

// The names of the classes in form 2 where they are no numbers, in alphabetical order; else none.
std::vector<std::string> class_folders(const std::filesystem::path& directory);

// All images must have one size, after `prepare` where it is given. `files` is filled, and
// `sources` for form 3. `class_names` orders the classes of form 2 where they are no numbers;
// empty: class_folders does. Throws Error if there are no images, names without label, labels of
// kMostClasses and more, a class that is not among `class_names`, an image that cannot be read,
// sizes that differ, images beside folders of images.
Dataset read_image_folder(const std::filesystem::path& directory, const PrepareImage& prepare = {},
                          const std::vector<std::string>& class_names = {});

}  // namespace mnist
