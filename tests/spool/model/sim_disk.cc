#include "tests/spool/model/sim_disk.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

namespace imgq::sim {

bool Inode::is_directory() const { return S_ISDIR(mode); }

size_t SeededChooser::below(size_t bound) {
  // SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to pick test cases.
  state_ += 0x9e3779b97f4a7c15U;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return bound == 0 ? 0 : (mixed ^ (mixed >> 31)) % bound;
}

Disk::Disk(Order order) : order_(order) {
  root_ = std::make_shared<Inode>();
  root_->number = 1;
  root_->mode = S_IFDIR | 0755;
  root_->links = 1;
}

InodePtr Disk::make(mode_t mode, uid_t uid, int64_t now_ns) {
  auto inode = std::make_shared<Inode>();
  inode->number = next_inode_++;
  inode->mode = mode;
  inode->uid = uid;
  inode->changed_ns = inode->status_ns = now_ns;
  return inode;
}

uint64_t Disk::note(const InodePtr& dir, std::string_view name, const InodePtr& target,
                    const InodePtr& about, uint64_t after) {
  journal_.push_back({next_op_, after, dir, std::string(name), target, about});
  return next_op_++;
}

void Disk::add(const InodePtr& dir, std::string_view name, const InodePtr& target) {
  target->links++;
  dir->names.insert_or_assign(std::string(name), target);
  if (target->is_directory()) target->parent = dir;
  note(dir, name, target, target, 0);
}

void Disk::remove(const InodePtr& dir, std::string_view name) {
  const auto found = dir->names.find(name);
  const InodePtr gone = found->second;
  gone->links--;
  dir->names.erase(found);
  note(dir, name, nullptr, gone, 0);
}

void Disk::move(const InodePtr& from_dir, std::string_view from, const InodePtr& to_dir,
                std::string_view to) {
  const auto found = from_dir->names.find(from);
  const InodePtr moved = found->second;
  const auto replaced = to_dir->names.find(to);
  if (replaced != to_dir->names.end()) replaced->second->links--;
  from_dir->names.erase(found);
  to_dir->names.insert_or_assign(std::string(to), moved);
  if (moved->is_directory()) moved->parent = to_dir;
  const uint64_t added = note(to_dir, to, moved, moved, 0);
  note(from_dir, from, nullptr, moved, added);
}

void Disk::apply(const NameOp& op) {
  if (op.target) {
    op.dir->durable.insert_or_assign(op.name, op.target);
  } else {
    op.dir->durable.erase(op.name);
  }
}

void Disk::commit_through(uint64_t number) {
  auto op = journal_.begin();
  for (; op != journal_.end() && op->number <= number; ++op) apply(*op);
  // The two halves of a rename are one transaction.
  if (op != journal_.end() && op->after != 0 && op->after == number) apply(*op++);
  journal_.erase(journal_.begin(), op);
}

// What fsync of one directory makes durable where nothing else follows: its own names, and for a
// name that moved away also the name it moved to.
void Disk::commit_of(const InodePtr& dir) {
  std::set<uint64_t> wanted;
  for (const NameOp& op : journal_) {
    // A folder has one name at any time: its rename is one operation.
    const bool other_half =
        op.after != 0 && op.about->is_directory() && wanted.count(op.after) != 0;
    if (op.dir != dir && !other_half) continue;
    wanted.insert(op.number);
    for (const NameOp& earlier : journal_) {  // of one name, operations last in their order
      const bool same_name = earlier.dir == op.dir && earlier.name == op.name;
      if (same_name && earlier.number < op.number) wanted.insert(earlier.number);
    }
    if (op.after != 0) wanted.insert(op.after);
  }
  std::vector<NameOp> rest;
  for (NameOp& op : journal_) {
    if (wanted.count(op.number) != 0) {
      apply(op);
    } else {
      rest.push_back(std::move(op));
    }
  }
  journal_ = std::move(rest);
}

void Disk::sync(const InodePtr& inode) {
  if (!inode->is_directory()) {
    if (!inode->dropped) inode->synced = inode->data;
    inode->dirty = inode->dropped;
  }
  if (order_ == Order::journalled) {
    uint64_t last = 0;
    for (const NameOp& op : journal_) {
      if (op.dir == inode || op.about == inode) last = op.number;
    }
    if (last != 0) commit_through(last);
  } else if (inode->is_directory()) {
    commit_of(inode);
  }
}

void Disk::sync_all() {
  for (const InodePtr& file : dirty_files()) {
    if (!file->dropped) file->synced = file->data;
    file->dirty = file->dropped;
  }
  for (const NameOp& op : journal_) apply(op);
  journal_.clear();
}

void Disk::fail_sync(const InodePtr& inode) {
  if (!inode->is_directory() && inode->dirty) inode->dropped = true;
}

void Disk::visit(const InodePtr& inode, std::map<const Inode*, InodePtr>& seen, bool durable) {
  if (!seen.emplace(inode.get(), inode).second) return;
  for (const auto& [name, child] : durable ? inode->durable : inode->names) {
    visit(child, seen, durable);
  }
}

std::vector<InodePtr> Disk::dirty_files() const {
  std::map<const Inode*, InodePtr> seen;
  visit(root_, seen, false);
  for (const NameOp& op : journal_) {
    if (op.about) visit(op.about, seen, false);
  }
  std::vector<InodePtr> dirty;
  for (const auto& [raw, inode] : seen) {
    if (inode->dirty) dirty.push_back(inode);
  }
  std::sort(dirty.begin(), dirty.end(),
            [](const InodePtr& a, const InodePtr& b) { return a->number < b->number; });
  return dirty;
}

void Disk::cut_names(Chooser& chooser) {
  if (order_ == Order::journalled) {
    const size_t kept = chooser.below(journal_.size() + 1);
    if (kept > 0) commit_through(journal_[kept - 1].number);
    return;
  }
  std::set<uint64_t> lasted;
  for (const NameOp& op : journal_) {
    const bool possible = op.after == 0 || lasted.count(op.after) != 0;
    // Asked in any case, so that one seed means one subset.
    bool wanted = chooser.below(2) == 1;
    // A folder has one name at any time: its rename is one operation.
    if (op.after != 0 && op.about->is_directory()) wanted = lasted.count(op.after) != 0;
    // The add of a rename may have been committed by an fsync before.
    const bool add_committed =
        op.after != 0 && std::none_of(journal_.begin(), journal_.end(), [&](const NameOp& other) {
          return other.number == op.after;
        });
    if (wanted && (possible || add_committed)) {
      apply(op);
      lasted.insert(op.number);
    }
  }
}

void Disk::cut_bytes(Inode& file, Chooser& chooser) {
  const std::string now = file.data;
  switch (chooser.below(5)) {
    case 0:
      file.data = file.synced;  // nothing of it
      break;
    case 1:
      file.data.clear();  // the name, and no bytes
      break;
    case 2:
      file.data = now.substr(0, now.empty() ? 0 : chooser.below(now.size()));  // cut
      break;
    case 3:
      file.data = std::string(now.size(), '\0');  // the size, and no bytes
      break;
    default:
      break;  // all of it
  }
}

void Disk::power_cut(Chooser& chooser) {
  const std::vector<InodePtr> dirty = dirty_files();
  cut_names(chooser);
  journal_.clear();
  for (const InodePtr& file : dirty) {
    if (file->dropped) file->data = file->synced;
    if (!file->dropped) cut_bytes(*file, chooser);
  }
  std::map<const Inode*, InodePtr> seen;
  visit(root_, seen, true);
  for (const auto& [raw, inode] : seen) inode->links = 0;
  root_->links = 1;
  for (const auto& [raw, inode] : seen) {
    inode->names = inode->durable;
    inode->synced = inode->data;
    inode->dirty = inode->dropped = false;
    for (const auto& [name, child] : inode->durable) child->links++;
  }
}

}  // namespace imgq::sim
