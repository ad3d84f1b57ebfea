#include "src/cli/gather.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "src/base/formats.h"
#include "src/cli/done_file.h"
#include "src/cli/file_out.h"
#include "src/util/fd.h"
#include "src/util/io.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kListPiece = size_t{64} * 1024;
constexpr std::array<std::string_view, 3> kPassedOver = {"no image", "made by imgq", "excluded"};

// The names of a list, as its writer writes them.
class List {
 public:
  static Result<List> open(const FileOptions& options) {
    const std::string& name = options.files_from;
    Fd file(name == "-" ? -1 : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (name != "-" && !file) return last_error("read the list", name);
    return List(name, std::move(file), options.null_separated ? '\0' : '\n');
  }

  // The next name, waited for; nothing at the end. Empty ones are none.
  Result<std::optional<std::string>> next() {
    while (true) {
      const size_t end = text_.find(separator_, begin_);
      if (end == std::string::npos && !ended_) {
        if (auto more = read_more(); !more) return more.error();
        continue;
      }
      if (begin_ >= text_.size()) return std::optional<std::string>();
      std::string name = text_.substr(begin_, end - begin_);
      begin_ = end == std::string::npos ? text_.size() : end + 1;
      if (!name.empty()) return std::optional(std::move(name));
    }
  }

  // Whether the writer pauses: the next name is to be waited for.
  bool pauses() const {
    if (ended_ || text_.find(separator_, begin_) != std::string::npos) return false;
    struct pollfd input{descriptor(), POLLIN, 0};
    return ::poll(&input, 1, 0) == 0;
  }

 private:
  List(std::string name, Fd file, char separator)
      : name_(std::move(name)), file_(std::move(file)), separator_(separator) {}
  int descriptor() const { return file_ ? file_.get() : STDIN_FILENO; }

  Status read_more() {
    text_.erase(0, std::exchange(begin_, 0));
    const size_t size = text_.size();
    text_.resize(size + kListPiece);
    const ssize_t got = sys::read(descriptor(), text_.data() + size, kListPiece);
    if (got < 0) return last_error("read", name_);
    text_.resize(size + static_cast<size_t>(got));
    ended_ = got == 0;
    return Ok{};
  }

  std::string name_;
  Fd file_;
  char separator_;
  std::string text_;
  size_t begin_ = 0;  // of what was not taken yet
  bool ended_ = false;
};

bool file_begins_like_image(const std::string& path) {
  const Fd file(sys::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!file) return true;  // unreadable: let it be told later, by name
  std::array<char, kSignatureBytes> bytes{};
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  return got > 0 && format_of(sniff({bytes.data(), static_cast<size_t>(got)}).kind) != nullptr;
}

// What gathering one command's files goes by, and what it has found.
struct Gathering {
  const FileOptions& options;
  const std::optional<FileId>& except;
  Inputs inputs;
  Made made;
};

void pass_over(Gathering& gathering, const std::string& path, Passed why) {
  gathering.inputs.passed_over.push_back({path, why});
}

bool matches(std::string glob, std::string_view path) {
  while (!glob.empty() && glob.back() == '/') glob.pop_back();  // "drafts/" means the folder
  return ::fnmatch(glob.c_str(), std::string(base_name(path)).c_str(), 0) == 0 ||
         ::fnmatch(glob.c_str(), std::string(path).c_str(), FNM_PATHNAME) == 0;
}

bool excludes(const FileOptions& options, std::string_view path) {
  const std::string_view name = base_name(path);
  if (name.empty() || name == "." || name == "..") return false;  // no names of their own
  return std::any_of(options.exclude.begin(), options.exclude.end(),
                     [path](const std::string& glob) { return matches(glob, path); });
}

// The same for a path of a list, whose folders nobody has looked at before.
bool excludes_way(const FileOptions& options, std::string_view path) {
  while (path.substr(0, 2) == "./") path.remove_prefix(2);
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  for (size_t slash = path.find('/', 1); slash < path.size(); slash = path.find('/', slash + 1)) {
    if (excludes(options, path.substr(0, slash))) return true;
  }
  return excludes(options, path);
}

// Reads one directory after another, deepest last, so that no tree is too deep for the stack.
class Walk {
 public:
  // What imgq has made of images below `root`, a real path, is left out.
  Walk(Gathering& gathering, std::string root) : gathering_(gathering), root_(std::move(root)) {}

  void directory(const std::string& path, const std::string& folder, int depth) {
    if (depth > kMaxDepth) return cannot_read({path, "nested too deeply", Exit::no_input});
    const auto names = list_names(AT_FDCWD, path + "/.");
    if (!names) {
      if (depth > 0 && names.error().code == ENOENT) return;  // vanished: nobody named it
      return cannot_read(trouble_for(path, names.error()));
    }
    for (const std::string& name : *names) {
      if (name[0] != '.') entry(path, folder, name, depth);
    }
  }

 private:
  void cannot_read(Trouble trouble) {
    gathering_.inputs.trouble.push_back(std::move(trouble));
    gathering_.inputs.unread = true;
  }

  void entry(const std::string& parent, const std::string& folder, const std::string& name,
             int depth) {
    const std::string path = joined(parent, name);
    struct stat about{};
    if (sys::fstatat(AT_FDCWD, path.c_str(), &about) != 0) {
      if (errno != ENOENT) cannot_read(trouble_for(path, last_error("look at", path)));
      return;
    }
    if (excludes(gathering_.options, joined(folder, name))) {
      pass_over(gathering_, path, Passed::excluded);
      return;
    }
    if (S_ISDIR(about.st_mode)) {
      if (is_file_servers(name)) return;
      const FileId id{about.st_dev, about.st_ino};
      if (gathering_.except != id) directory(path, joined(folder, name), depth + 1);
      return;
    }
    if (S_ISLNK(about.st_mode) && !look_at(path, about)) {  // leads nowhere, as a rule
      if (errno != ENOENT) cannot_read(trouble_for(path, last_error("follow", path)));
      return;
    }
    if (!S_ISREG(about.st_mode)) return;
    if (gathering_.made.knows(path, root_))
      pass_over(gathering_, path, Passed::own_result);
    else if (format_with_extension(lower_extension(name)) != nullptr ||
             file_begins_like_image(path))
      gathering_.inputs.files.push_back({path, folder});
    else
      pass_over(gathering_, path, Passed::no_image);
  }

  Gathering& gathering_;
  std::string root_;
};

void add_named(Gathering& gathering, const std::string& name) {
  if (name == "-" || !directory_id(name)) {
    if (excludes(gathering.options, base_name(name))) {
      pass_over(gathering, name, Passed::excluded);
      return;
    }
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

// The way from one directory to another that is above it, or is it; by the names as they are
// written, so that links stay, else by where they lead.
std::optional<std::string> way_below(const std::string& root, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::current_path(error);  // without one, relative names stay relative
  const auto way = [](const fs::path& from, const fs::path& to) -> std::optional<std::string> {
    const std::string text = to.lexically_normal().lexically_relative(from).string();
    if (text.empty() || text == ".." || text.rfind("../", 0) == 0) return std::nullopt;
    return text == "." ? "" : text;
  };
  const auto written = way((here / root).lexically_normal(), here / directory);
  return written ? written : way(real_path(root), real_path(directory));
}

// A list is made by a program that knows nothing of imgq: what imgq has made is not meant.
Status add_listed(Gathering& gathering, const std::string& name) {
  const FileOptions& options = gathering.options;
  const auto directory = directory_id(name);
  std::optional<std::string> folder = "";
  if (!options.root.empty())
    folder = way_below(options.root, directory ? name : directory_of(name));
  if (!folder) {
    return Error{
        0, fmt::format("--root: '{}' is not below '{}'", printable(name), printable(options.root)),
        name};
  }
  const std::string below = directory ? *folder : joined(*folder, base_name(name));
  if (!options.recursive) {
    add_named(gathering, name);
  } else if (excludes_way(options, options.root.empty() ? name : below)) {
    pass_over(gathering, name, Passed::excluded);
  } else if (directory) {
    if (directory != gathering.except) Walk(gathering, "/").directory(name, *folder, 0);
  } else if (is_in_mark(name) || gathering.made.knows(name, "/")) {
    pass_over(gathering, name, Passed::own_result);
  } else {
    gathering.inputs.files.push_back({name, *folder});
  }
  return Ok{};
}

// Up to the end of the list, or until `pause`, called when its writer pauses, says that it is
// enough.
Status add_list(Gathering& gathering, const std::function<bool()>& pause) {
  const FileOptions& options = gathering.options;
  if (!options.root.empty() && !directory_id(options.root)) {
    return Error{is_there(options.root) ? ENOTDIR : ENOENT, "--root", options.root};
  }
  auto list = List::open(options);
  if (!list) return list.error();
  while (true) {
    const auto name = list->next();
    if (!name) return name.error();
    if (!*name) return Ok{};
    if (auto added = add_listed(gathering, **name == "-" ? "./-" : **name); !added) return added;
    if (list->pauses() && !pause()) return Ok{};
  }
}

}  // namespace

Status check_files(const FileOptions& options) {
  if (!options.exclude.empty() && !options.recursive)
    return usage_error("--exclude goes with --recursive");
  if (!options.files_from.empty()) return Ok{};
  if (options.null_separated) return usage_error("--null goes with --files-from");
  if (!options.root.empty()) return usage_error("--root goes with --files-from");
  return Ok{};
}

Status gather_in_parts(const FileOptions& options, const std::optional<FileId>& except,
                       const std::function<bool(Inputs)>& take) {
  Gathering gathering{options, except, {}, {}};
  for (const std::string& name : options.names) {
    if (name != "-" && real_path(name).empty()) gathering.inputs.unread = true;
    add_named(gathering, name);
  }
  bool enough = false;
  if (!options.files_from.empty()) {
    const auto pause = [&] {
      enough = !take(std::exchange(gathering.inputs, {}));
      return !enough;
    };
    if (auto added = add_list(gathering, pause); !added) return added;
  }
  if (!enough) (void)take(std::move(gathering.inputs));
  return Ok{};
}

Result<Inputs> gather_files(const FileOptions& options, const std::optional<FileId>& except) {
  Inputs all;
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  const auto gathered = gather_in_parts(options, except, [&](Inputs part) {
    append(all.files, part.files);
    append(all.trouble, part.trouble);
    append(all.passed_over, part.passed_over);
    all.unread = all.unread || part.unread;
    return true;
  });
  return gathered ? Result<Inputs>(std::move(all)) : gathered.error();
}

Exit explain_gathering(const Session& session, const Error& error) {
  if (error.code == 0) return fail(session, Exit::usage, error.action);
  return fail(session, Exit::no_input, about(error.path, cause_text(error.code)));
}

void tell_passed_over(Console& console, const Inputs& inputs) {
  for (const PassedOver& one : inputs.passed_over) {
    const std::string_view why = kPassedOver[static_cast<size_t>(one.why)];
    console.detail(about(one.path, fmt::format("passed over: {}", why)));
  }
}

}  // namespace imgq::cli
