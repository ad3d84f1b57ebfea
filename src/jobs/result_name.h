#pragma once

#include <string>

#include "spool/records.h"

namespace imgq {

// The file name of a result as people get it: "photo.jpg", and "photo.small.jpg" when its job has
// several. The submitter's name is data: only its last part counts, and nothing that would hide.
//   number  1, or more for further results of the same name: "photo-2.small.jpg"
std::string result_name(const Ticket& ticket, const Outcome& outcome, const ResultFile& result,
                        int number);

}  // namespace imgq
