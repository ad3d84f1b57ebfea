#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/spool/model/sim_world.h"

// What the simulated calls on files (sim_sys.cc) and on names (sim_names.cc) share.
namespace imgq::sim::calls {

World& world();
int refuse(int error);                             // sets errno, returns -1
std::shared_ptr<Description> description(int fd);  // of the running process; null: EBADF
void touch(const InodePtr& inode);
void fill(const InodePtr& inode, struct stat* out);

// A path's last folder and its last name; name is empty for the folder itself.
struct Place {
  InodePtr dir;
  std::string name;
  int error = 0;

  InodePtr target() const;
};
Place place(int dir, std::string_view path);

// 0, or why no name may be given there.
int may_add(const Place& at);

}  // namespace imgq::sim::calls
