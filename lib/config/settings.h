// Every key that the configuration file may have, for people: viaduct.toml(5) and docs/configuration.md are made from
// this, and tests hold it against what the readers take.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace viaduct::config {

enum class Change : uint8_t { reload, restart };  // what it takes until another value is in force

struct SettingText {
  std::string_view key;
  std::string_view values;    // type, range and unit: "whole number from 64 to 1048576, in MB"
  std::string_view standard;  // what is in force without it, as written in the file; "": nothing; "required"
  std::string_view example;   // as written in the file, another value than that
  Change change;
  std::string_view help;
};

struct SectionText {
  std::string_view heading;  // as in the file: "[[pool.backend]]"; "" for the top of the file
  std::string_view help;
  std::span<const SettingText> settings;
};
std::span<const SectionText> setting_sections();

}  // namespace viaduct::config
