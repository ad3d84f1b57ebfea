#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spool/job_id.h"
#include "spool/types.h"
#include "src/util/sys.h"

// Builds and reads every path of the spool, all relative to its root. No I/O. Nothing else in the
// program puts a path of the spool together.
namespace imgq::layout {

inline constexpr int kFormatVersion = 1;

// The folders of a spool, in the order in which they are made.
inline constexpr const char* kFolders[] = {"tmp",        "jobs",      "staging", "delayed",
                                           "processing", "completed", "failed",  "cancelled",
                                           "hold",       "corrupt",   "keys",    "hooks"};
inline constexpr const char* kHooks = "hooks";
bool may_be_missing(std::string_view folder);  // older spools are without hooks/ until one is owed

bool is_own_name(std::string_view name);  // in the root: a folder, the format, lost+found

std::string hour_folder(const JobId& id);  // jobs/2026-11-24/05
std::string ticket(const JobId& id);       // jobs/2026-11-24/05/<id>.job
std::string source(const JobId& id);       // ....src
std::string try_record(const JobId& id, int attempt);
std::string outcome(const JobId& id);                        // ....end
std::string placed(const JobId& id);                         // ....placed
std::string result(const JobId& id, std::string_view file);  // file: ResultFile::file
std::string result_file(const JobId& id, int attempt, std::string_view rendition,
                        std::string_view extension);  // <id>.<n>.<rendition>.<ext>

std::string staging(const Token& token);                  // staging/<id>.<n>
std::string delayed(int64_t due_ms, const Token& token);  // delayed/<due>.<id>.<n>
std::string hold(const Token& token);                     // hold/<id>.<n>
std::string first_token(const JobId& id, State first);    // of attempt 1, in staging/ or hold/
std::string processing(std::string_view owner, const Token& token);  // processing/<owner>/<id>.<n>
std::string owner_folder(std::string_view owner);                    // processing/<owner>
std::string alive(std::string_view owner);                           // processing/<owner>/.alive
std::string cordon(std::string_view host);                           // processing/cordon.<host>
std::string cordon_name(std::string_view host);                      // its name there
std::string ended(Ending ending,
                  const JobId& id);  // completed/<day>/<hour>/<id>, failed/<id>, cancelled/<id>
std::string key_shard(std::string_view sha256_of_key);  // keys/<2 hex>
std::string key(std::string_view sha256_of_key);        // keys/<2 hex>/<62 hex>
std::string hook(const JobId& id);                      // hooks/<id>
std::string temp(std::string_view random,
                 const sys::Identity& me);  // tmp/<random>.<host>.<boot>.<pid>

// The random part of a temp: the run of its writer, the same in all its files, and a number; 0 is
// that of the lock they go by.
inline constexpr size_t kRunLength = 8;
std::string numbered(std::string_view run, uint32_t number);
std::string lock_of(std::string_view temp_name);
bool is_writer_lock(std::string_view temp_name);

std::string owner_name(const sys::Identity& me,
                       std::string_view random);  // <host>.<boot>.<pid>.<random>

std::string corrupt(std::string_view path, std::string_view random);  // corrupt/<random>.<name>
std::string folder_of(std::string_view path);                         // that it stands in

std::optional<Token> parse_token(std::string_view name);  // <id>.<n>
struct Due {
  int64_t due_ms = 0;
  Token token;
};
std::optional<Due> parse_delayed(std::string_view name);           // <due>.<id>.<n>
std::optional<sys::Identity> parse_writer(std::string_view name);  // of a temp or an owner folder

std::optional<std::string> parse_cordon(std::string_view name);  // the host it is of
bool is_host(std::string_view text);                             // that of an owner

// Reads a name of an hour folder.
struct Part {
  JobId id;
  enum class Kind { ticket, source, try_record, outcome, placed, result } kind;
  int attempt = 0;             // of try_record and result
  std::string rendition = {};  // of result
};
std::optional<Part> parse_part(std::string_view name);

bool is_rendition_name(std::string_view name);  // [a-z0-9][a-z0-9_-]{0,31}
bool is_extension(std::string_view text);       // [a-z0-9]{1,8}
bool is_day(std::string_view name);             // "2026-11-24"
bool is_hour(std::string_view name);            // "00".."23"

}  // namespace imgq::layout
