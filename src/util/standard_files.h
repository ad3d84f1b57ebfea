#pragma once

namespace imgq {

// Called first in main. Where the caller has closed stdin, stdout or stderr, the next file that is
// opened would get its number, and what is meant for a person would be written into it. So the gaps
// are filled: stdin and stdout by something that cannot be read or written, which is told as the
// error that it is, stderr by what takes everything.
void fill_standard_files();

}  // namespace imgq
