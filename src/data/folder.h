// A folder of labelled image files as a data set.
//
// Three forms are told apart:
// 1. LABEL_anything.png: the files lie in the folder itself and their names start with the label.
// 2. LABEL/anything.png: each sub-folder is a class. If all are called by a number, that is the
//    label; else they are numbered in alphabetical order and their names become the class names.
// 3. SOURCE/LABEL_anything.png: folders of form 1, one for each writer, camera or the like. Taken
//    where sub-folders that are not called by numbers hold only files of such names, and at least
//    one of them holds files of different labels.
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

// All images must have one size, after `prepare` where it is given. `files` is filled, and
// `sources` for form 3. Throws Error if there are no images, names without label, labels above 254,
// an image that cannot be read, sizes that differ.
Dataset read_image_folder(const std::filesystem::path& directory, const PrepareImage& prepare = {});

}  // namespace mnist
