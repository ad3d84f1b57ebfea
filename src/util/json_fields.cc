#include "src/util/json_fields.h"

#include <utility>

#include "src/util/digest.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq {

const Json* JsonFields::find(const char* key, Need need) {
  const Json* value = member(*object_, key);
  if (value == nullptr && need == Need::must) fail(std::string("field ") + key + " is missing");
  return value;
}

std::string& JsonFields::open(const char* key) {
  return text_.append(text_.size() > 1 ? ",\"" : "\"").append(key).append("\":");
}

void JsonFields::text(const char* key, std::string& value, size_t most, Need need) {
  if (writing()) {
    if (need == Need::may && value.empty()) return;
    value = shortened(value, most);
    open(key) += dump_json(value);
  } else if (find(key, need) != nullptr) {
    auto found = text_in(*object_, key);
    if (!found) return wrong(key, "a string");
    if (found->size() > 3 * most) return wrong(key, "that short");
    value = std::move(*found);
  }
}

void JsonFields::bytes(const char* key, std::string& value, size_t most, Need need) {
  std::string encoded = writing() ? percent_encode(value) : "";
  text(key, encoded, kAnyLength, need);
  if (writing()) return;
  auto found = percent_decode(encoded);
  if (!found) return wrong(key, "percent-encoded");
  if (found->size() > most) return wrong(key, "that short");
  value = std::move(*found);
}

void JsonFields::digest(const char* key, std::string& value, Need need) {
  text(key, value, kAnyLength, need);
  if (!writing() && !is_digest(value) && member(*object_, key) != nullptr) wrong(key, "a SHA-256");
}

int64_t JsonFields::integer(const char* key, int64_t value, int64_t low, int64_t high, Need need) {
  if (writing()) {
    if (need == Need::must || value != 0) open(key) += std::to_string(value);
  } else if (find(key, need) != nullptr) {
    const auto found = integer_in(*object_, key, low, high);
    if (found) return *found;
    wrong(key, "a number in range");
  }
  return value;
}

void JsonFields::real(const char* key, double& value, double low, double high) {
  if (writing()) {
    open(key) += dump_json(value);
  } else if (find(key, Need::must) != nullptr) {
    const auto found = number_in(*object_, key, low, high);
    if (!found) return wrong(key, "a number in range");
    value = *found;
  }
}

void JsonFields::truth(const char* key, bool& value, Need need) {
  if (writing()) {
    open(key) += value ? "true" : "false";
  } else if (find(key, need) != nullptr) {
    const auto found = truth_in(*object_, key);
    if (!found) return wrong(key, "true or false");
    value = *found;
  }
}

void JsonFields::texts(const char* key, std::vector<std::string>& values, size_t most,
                       size_t longest, Need need) {
  const bool there = writing() ? !values.empty() : object_->contains(key);
  if (need == Need::may && !there) return;
  values.resize(begin(key, values.size(), most));
  for (size_t i = 0; i < values.size(); ++i) {
    std::string& value = values[i];
    if (!writing()) {
      const Json& item = (*object_)[key][i];
      if (!item.is_string()) return wrong(key, "a list of strings");
      value = item.get_ref<const std::string&>();
    }
    value = shortened(value, longest);
    if (writing()) text_.append(i == 0 ? "" : ",").append(dump_json(value));
  }
  if (writing()) text_ += ']';
}

void JsonFields::opaque(const char* key, std::string& text) {
  if (writing()) {
    const auto value = parse_json(text, "");
    open(key) += value && value->is_object() ? dump_json(*value) : "null";
  } else if (const Json* value = find(key, Need::must); value != nullptr) {
    if (!value->is_object()) return wrong(key, "an object");
    text = dump_json(*value);
  }
}

void JsonFields::part(const char* key, const std::function<void(JsonFields&)>& list) {
  if (writing())
    open(key);
  else if (find(key, Need::must) == nullptr)
    return;
  within(key, writing() ? nullptr : member(*object_, key), list);
}

// The size of a list: that of the values to be written, or that of what stands there.
size_t JsonFields::begin(const char* key, size_t size, size_t most) {
  if (writing()) {
    open(key) += '[';
    return size;
  }
  const Json* list = find(key, Need::must);
  if (list != nullptr && list->is_array() && list->size() <= most) return list->size();
  wrong(key, "a list");
  return 0;
}

void JsonFields::item(const char* key, size_t index, const std::function<void(JsonFields&)>& list) {
  if (writing() && index > 0) text_ += ',';
  within(key, writing() ? nullptr : &(*object_)[key][index], list);
}

// The object `inner`, or one that is written where the text ends.
void JsonFields::within(const char* key, const Json* inner,
                        const std::function<void(JsonFields&)>& list) {
  if (inner != nullptr && !inner->is_object()) return wrong(key, "an object");
  JsonFields fields = inner != nullptr ? JsonFields(*inner) : JsonFields();
  list(fields);
  if (writing()) text_ += fields.written();
  if (!fields.trouble_.empty()) fail(std::move(fields.trouble_));
}

void JsonFields::wrong(std::string_view key, std::string_view what) {
  fail("field " + std::string(key) + " is not " + std::string(what));
}

void JsonFields::fail(std::string what) {
  if (trouble_.empty()) trouble_ = std::move(what);
}

}  // namespace imgq
