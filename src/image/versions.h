#pragma once

#include <string>
#include <vector>

namespace imgq::image {

// "libvips 8.14.1", ...: the libraries that read and write images, as they are loaded, those behind
// libvips too. Starts libvips, if that was not done.
std::vector<std::string> library_versions();

}  // namespace imgq::image
