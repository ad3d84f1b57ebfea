#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A file system in memory with two views: what running programs see, and what a power cut leaves.
// Between the two lies a journal of operations that no sync has covered yet.
namespace imgq::sim {

struct Inode;
using InodePtr = std::shared_ptr<Inode>;
using Entries = std::map<std::string, InodePtr, std::less<>>;

struct Inode {
  uint64_t number = 0;
  mode_t mode = 0;  // S_IFREG or S_IFDIR, and permissions
  uid_t uid = 0;
  int64_t changed_ns = 0;  // mtime: bytes, or names in a directory
  int64_t status_ns = 0;   // ctime: its own names too
  int links = 0;
  // A file's bytes.
  std::string data;
  std::string synced;    // what the disk has
  bool dirty = false;    // data differs from synced
  bool dropped = false;  // a sync failed: the kernel forgot the dirty bytes, and calls them clean
  // A directory's names.
  Entries names;
  Entries durable;
  std::weak_ptr<Inode> parent;

  bool is_directory() const;
};

// What a power cut may make of directory operations that were not synced.
enum class Order {
  journalled,  // ext4, xfs: those that lasted are a prefix of all; a rename is one operation
  loose,       // POSIX: any subset; a renamed file may have both names (seen on btrfs), never none
};

// Yes or no, and how many of how much, decided by the test: exhaustively or by a seed.
class Chooser {
 public:
  virtual ~Chooser() = default;
  virtual size_t below(size_t bound) = 0;  // 0 .. bound-1
};

class SeededChooser : public Chooser {
 public:
  explicit SeededChooser(uint64_t seed) : state_(seed * 2 + 1) {}
  size_t below(size_t bound) override;

 private:
  uint64_t state_;
};

// Everything that was not synced is lost, or everything lasted.
class ConstantChooser : public Chooser {
 public:
  explicit ConstantChooser(bool lasted) : lasted_(lasted) {}
  size_t below(size_t bound) override { return lasted_ ? bound - 1 : 0; }

 private:
  bool lasted_;
};

class Disk {
 public:
  explicit Disk(Order order);

  const InodePtr& root() const { return root_; }
  InodePtr make(mode_t mode, uid_t uid, int64_t now_ns);

  // Names. All checks are the caller's: these only keep the two views.
  void add(const InodePtr& dir, std::string_view name, const InodePtr& target);
  void remove(const InodePtr& dir, std::string_view name);
  void move(const InodePtr& from_dir, std::string_view from, const InodePtr& to_dir,
            std::string_view to);

  void sync(const InodePtr& inode);       // fsync
  void sync_all();                        // syncfs
  void fail_sync(const InodePtr& inode);  // fsync that answers EIO: the dirty bytes are gone

  // The power goes and comes back: the view is what was durable, plus what `chooser` lets last.
  void power_cut(Chooser& chooser);

  size_t unsynced() const { return journal_.size(); }
  std::vector<InodePtr> dirty_files() const;

 private:
  struct NameOp {
    uint64_t number = 0;
    uint64_t after = 0;  // the add that must last before this remove may
    InodePtr dir;
    std::string name;
    InodePtr target;  // none: the name is removed
    InodePtr about;   // the inode the name stood for
  };
  uint64_t note(const InodePtr& dir, std::string_view name, const InodePtr& target,
                const InodePtr& about, uint64_t after);
  void commit_through(uint64_t number);
  void commit_of(const InodePtr& dir);
  static void apply(const NameOp& op);
  void cut_names(Chooser& chooser);
  static void cut_bytes(Inode& file, Chooser& chooser);
  static void visit(const InodePtr& inode, std::map<const Inode*, InodePtr>& seen, bool durable);

  Order order_;
  InodePtr root_;
  std::vector<NameOp> journal_;
  uint64_t next_inode_ = 2;
  uint64_t next_op_ = 1;
};

}  // namespace imgq::sim
