#include "src/cli/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "spool/fd.h"
#include "src/base/text.h"
#include "src/cli/file_out.h"
#include "src/cli/run_ledger.h"
#include "src/cli/session.h"

namespace imgq::cli {
namespace {

constexpr int kMaxDepth = 100;

Result<std::string> read_list(const std::string& name) {
  const Fd file(name == "-" ? -1 : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (name != "-" && !file) return last_error("read the list", name);
  return read_all(name == "-" ? STDIN_FILENO : file.get(), name);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string joined(const std::string& directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  const char* slash = directory.back() == '/' ? "" : "/";
  return fmt::format("{}{}{}", directory, slash, name);
}

bool file_begins_like_image(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return true;  // unreadable: let it be told later, by name
  std::array<char, 16> bytes{};
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  return got > 0 && begins_like_image({bytes.data(), static_cast<size_t>(got)});
}

// What gathering one command's files goes by, and what it has found.
struct Gathering {
  const FileOptions& options;
  const std::optional<FileId>& except;
  Inputs inputs;
  Made made;
};

// Reads one directory after another, deepest last, so that no tree is too deep for the stack.
class Walk {
 public:
  // What imgq has made of images below `root`, a real path, is left out.
  Walk(Gathering& gathering, std::string root)
      : gathering_(gathering), inputs_(gathering.inputs), root_(std::move(root)) {}

  void directory(const std::string& path, const std::string& folder, int depth) {
    if (depth > kMaxDepth) {
      inputs_.trouble.push_back({path, "nested too deeply", Exit::no_input});
      return;
    }
    const auto names = read(path);
    if (!names) {
      inputs_.trouble.push_back(trouble_for(path, names.error()));
      return;
    }
    for (const std::string& name : *names) entry(path, folder, name, depth);
  }

 private:
  static Result<std::vector<std::string>> read(const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
    if (!dir) return last_error("read directory", path);
    std::vector<std::string> names;
    while (const struct dirent* entry = readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe)
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void entry(const std::string& parent, const std::string& folder, const std::string& name,
             int depth) {
    const std::string path = joined(parent, name);
    struct stat about{};
    if (::lstat(path.c_str(), &about) != 0) return;  // vanished meanwhile: nobody named it
    if (S_ISDIR(about.st_mode)) {
      const FileId id{about.st_dev, about.st_ino};
      if (gathering_.except != id) directory(path, joined(folder, name), depth + 1);
      return;
    }
    const bool link_to_file =
        S_ISLNK(about.st_mode) && ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode);
    if (!S_ISREG(about.st_mode) && !link_to_file) return;
    if (gathering_.made.knows(path, root_))
      ++inputs_.own_results;
    else if (named_like_image(name) || file_begins_like_image(path))
      inputs_.files.push_back({path, folder});
    else
      ++inputs_.passed_over;
  }

  Gathering& gathering_;
  Inputs& inputs_;
  std::string root_;
};

void add_named(Gathering& gathering, const std::string& name) {
  if (name == "-" || !directory_id(name)) {
    gathering.inputs.files.push_back({name, ""});  // what is wrong with it shows when it is opened
  } else if (gathering.options.recursive) {
    Walk(gathering, real_path(name)).directory(name, "", 0);
  } else {
    gathering.inputs.trouble.push_back(
        {name, "is a directory: use --recursive for what is in it", Exit::no_input});
  }
}

// Of the directory that an output has for imgq's own files, results under way among them.
bool is_in_mark(const std::string& name) {
  return name.rfind(".imgq/", 0) == 0 || name.find("/.imgq/") != std::string::npos;
}

// A list is made by a program that knows nothing of imgq: what imgq has made is not meant.
void add_listed(Gathering& gathering, const std::string& name) {
  const auto directory = directory_id(name);
  if (!gathering.options.recursive) {
    add_named(gathering, name);
  } else if (!directory) {
    if (is_in_mark(name) || gathering.made.knows(name, "/"))
      ++gathering.inputs.own_results;
    else
      add_named(gathering, name);
  } else if (directory != gathering.except) {
    Walk(gathering, "/").directory(name, "", 0);
  }
}

bool has(std::string_view bytes, size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() && bytes.substr(offset, magic.size()) == magic;
}

}  // namespace

std::optional<FileId> directory_id(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return {};
  return FileId{about.st_dev, about.st_ino};
}

Result<Inputs> gather_files(const FileOptions& options, const std::optional<FileId>& except) {
  Gathering gathering{options, except, {}, {}};
  for (const std::string& name : options.names) add_named(gathering, name);
  if (options.files_from.empty()) return std::move(gathering.inputs);
  const auto list = read_list(options.files_from);
  if (!list) return list.error();
  for (const std::string& name : split(*list, options.null_separated ? '\0' : '\n')) {
    add_listed(gathering, name == "-" ? "./-" : name);
  }
  return std::move(gathering.inputs);
}

bool begins_like_image(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr std::array<std::string_view, 7> kStarts = {
      "\xff\xd8\xff"sv, "\x89PNG\r\n\x1a\n"sv, "GIF87a"sv, "GIF89a"sv, "II*\0"sv,
      "MM\0*"sv,        "\xff\x0a"sv,  // bare JPEG XL
  };
  for (const std::string_view start : kStarts) {
    if (has(bytes, 0, start)) return true;
  }
  if (has(bytes, 0, "RIFF") && has(bytes, 8, "WEBP")) return true;
  if (has(bytes, 0, "\0\0\0\x0cJXL \r\n\x87\n"sv)) return true;
  constexpr std::array<std::string_view, 9> kBrands = {"heic", "heix", "hevc", "heim", "heis",
                                                       "mif1", "msf1", "avif", "avis"};
  return has(bytes, 4, "ftyp") &&
         std::any_of(kBrands.begin(), kBrands.end(),
                     [bytes](std::string_view brand) { return has(bytes, 8, brand); });
}

bool named_like_image(std::string_view name) {
  constexpr std::array<std::string_view, 12> kExtensions = {
      "jpg", "jpeg", "jpe", "png", "gif", "webp", "heic", "heif", "avif", "jxl", "tif", "tiff"};
  std::string extension(extension_in(base_name(name)));
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  return real ? real.get() : "";
}

Result<Opened> open_input(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return last_error("open", path);
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return last_error("look at", path);
  if (S_ISDIR(about.st_mode)) return Error{EISDIR, "open", path};
  if (!S_ISREG(about.st_mode)) return Error{EINVAL, "open", path};
  Opened opened;
  opened.size_bytes = about.st_size;
  opened.modified_ns = int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec;
  opened.id = {about.st_dev, about.st_ino};
  opened.fd = file.release();
  return opened;
}

Trouble trouble_for(const std::string& name, const Error& error) {
  switch (error.code) {
    case ENODATA:
      return {name, "the file is empty", Exit::bad_image, Code::empty_file};
    case EFBIG:
      return {name, "the file is larger than limits.max_file_bytes allows", Exit::bad_image,
              Code::file_too_large};
    case EINVAL:
      return {name, "is not a regular file", Exit::no_input};
    case EISDIR:
      return {name, "is a directory", Exit::no_input};
    case EIO:
      return {name, cause_text(error.code), Exit::io_error, Code::io_error};
    default:
      return {name, error.code == 0 ? error.action : cause_text(error.code), Exit::no_input};
  }
}

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view stem_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

std::string_view extension_in(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? "" : name.substr(dot + 1);
}

}  // namespace imgq::cli
