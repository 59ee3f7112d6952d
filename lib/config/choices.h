// Settings that are one of a few words: what reads a word and what shows it have it from here.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace viaduct::config {

template <class T>
using Choice = std::pair<std::string_view, T>;
template <class T>
using Choices = std::span<const Choice<T>>;

// The words of an enum, each with its value.
template <class T>
inline constexpr std::nullptr_t choices{};

template <>
inline constexpr auto choices<Side> = std::to_array<Choice<Side>>({{"outside", Side::outside},
                                                                   {"inside", Side::inside}});
template <>
inline constexpr auto choices<PathMode> =
    std::to_array<Choice<PathMode>>({{"off", PathMode::off}, {"auto", PathMode::auto_}, {"force", PathMode::force}});
template <>
inline constexpr auto choices<PoolKey> = std::to_array<Choice<PoolKey>>({{"call-id", PoolKey::call_id},
                                                                         {"branch", PoolKey::branch},
                                                                         {"from", PoolKey::from},
                                                                         {"to", PoolKey::to},
                                                                         {"request-uri", PoolKey::request_uri},
                                                                         {"source", PoolKey::source},
                                                                         {"aor", PoolKey::aor}});
template <>
inline constexpr auto choices<TableKind> = std::to_array<Choice<TableKind>>({{"rendezvous", TableKind::rendezvous},
                                                                             {"maglev", TableKind::maglev}});
template <>
inline constexpr auto choices<Failover> = std::to_array<Choice<Failover>>({{"strict", Failover::strict},
                                                                           {"pool", Failover::pool}});
template <>
inline constexpr auto choices<BackendState> = std::to_array<Choice<BackendState>>({{"up", BackendState::up},
                                                                                   {"drain", BackendState::drain},
                                                                                   {"down", BackendState::down}});
template <>
inline constexpr auto choices<AffinityMode> =
    std::to_array<Choice<AffinityMode>>({{"transaction", AffinityMode::transaction}, {"queue", AffinityMode::queue}});
template <>
inline constexpr auto choices<IdleMode> = std::to_array<Choice<IdleMode>>({{"poll", IdleMode::poll},
                                                                           {"adaptive", IdleMode::adaptive}});
template <>
inline constexpr auto choices<SandboxMode> = std::to_array<Choice<SandboxMode>>({{"enforce", SandboxMode::enforce},
                                                                                 {"log", SandboxMode::log},
                                                                                 {"off", SandboxMode::off}});
template <>
inline constexpr auto choices<RuleAction> = std::to_array<Choice<RuleAction>>({{"accept", RuleAction::accept},
                                                                               {"pool", RuleAction::pool},
                                                                               {"reply", RuleAction::reply},
                                                                               {"drop", RuleAction::drop},
                                                                               {"limit", RuleAction::limit},
                                                                               {"tag", RuleAction::tag},
                                                                               {"log", RuleAction::log}});
// Of `prefix` without its length.
template <>
inline constexpr auto choices<LimitBy> = std::to_array<Choice<LimitBy>>({{"source", LimitBy::source},
                                                                         {"prefix", LimitBy::prefix},
                                                                         {"from-user", LimitBy::from_user},
                                                                         {"pool", LimitBy::pool},
                                                                         {"global", LimitBy::global}});
template <>
inline constexpr auto choices<LimitOf> = std::to_array<Choice<LimitOf>>({{"requests", LimitOf::requests},
                                                                         {"new-calls", LimitOf::new_calls}});

// What has words of its own.
template <class T>
concept Worded = !std::same_as<decltype(choices<T>), const std::nullptr_t>;

// Words for yes and no.
inline constexpr Choice<bool> mode_choices[]{{"enforce", true}, {"observe", false}};  // of rules and limits
inline constexpr Choice<bool> feedback_choices[]{{"off", false}, {"loss", true}};

// The word for `value`, of some choices or of its type's. Thread: any.
template <class T, class Of>
constexpr std::string_view word_of(T value, const Of& of) {
  for (const auto& [word, meant] : of) {
    if (meant == value) return word;
  }
  return "";
}
template <Worded T>
constexpr std::string_view text_of(T value) {
  return word_of(value, choices<T>);
}

// What `word` means; nothing if it is none of the words. Thread: any.
template <Worded T>
constexpr std::optional<T> choice_named(std::string_view word) {
  for (const auto& [known, meant] : choices<T>) {
    if (known == word) return meant;
  }
  return std::nullopt;
}

}  // namespace viaduct::config
