// Classic pcap, and the choice between the formats.
//
//   file    magic(4) major(2) minor(2) zone(4) accuracy(4) snap length(4) link type(4)
//   record  seconds(4) fraction(4) captured(4) original(4) bytes...
//
// The magic's value says micro- or nanoseconds, and its byte order is that of every other number.
#include "net/pcap.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "net/capture_file.h"
#include "net/capture_link.h"
#include "net/pcapng_format.h"

namespace viaduct::net {
namespace {

constexpr uint32_t magic_microseconds = 0xa1b2c3d4;
constexpr uint32_t magic_nanoseconds = 0xa1b23c4d;
constexpr size_t file_header_rest = 20;  // behind the magic
constexpr size_t record_header_bytes = 16;
constexpr uint32_t link_mask = 0xffff;  // above it: flags about a frame check sequence

struct ClassicTraits {
  bool swapped;
  uint32_t ns_per_unit;
};

std::optional<ClassicTraits> traits_of(uint32_t magic) {
  for (const bool swapped : {false, true}) {
    const uint32_t value = swapped ? __builtin_bswap32(magic) : magic;
    if (value == magic_microseconds) return ClassicTraits{swapped, 1000};
    if (value == magic_nanoseconds) return ClassicTraits{swapped, 1};
  }
  return std::nullopt;
}

class Classic : public CaptureFormat {
 public:
  Classic(CaptureFile file, ClassicTraits traits, uint32_t link)
      : file_(std::move(file)), order_(traits.swapped), ns_per_unit_(traits.ns_per_unit), link_(link) {}

  core::Result<std::optional<CapturedFrame>> next() override {
    const uint64_t start = file_.offset();
    std::array<uint8_t, record_header_bytes> header;
    const size_t got = file_.read(header);
    if (got == 0 && !file_.failed()) return std::optional<CapturedFrame>();
    if (got < header.size()) return file_.cut_at(start, "a record");
    const uint32_t captured = order_.get32(&header[8]);
    if (captured > captured_bytes_max) {
      return file_.error_at(start, "a record of " + std::to_string(captured) + " bytes; at most " +
                                       std::to_string(captured_bytes_max) + " are accepted");
    }
    buffer_.resize(captured);
    if (file_.read(buffer_) < captured) return file_.cut_at(start, "a record");
    const std::optional<int> growth = make_ethernet(buffer_, link_);
    if (!growth) return file_.error_at(start, "a record too short for its link header");

    CapturedFrame frame;
    frame.bytes = buffer_;
    frame.original_length = order_.get32(&header[12]) + static_cast<uint32_t>(*growth);
    frame.time_ns =
        uint64_t{order_.get32(&header[0])} * 1'000'000'000 + uint64_t{order_.get32(&header[4])} * ns_per_unit_;
    return std::optional(frame);
  }

 private:
  CaptureFile file_;
  FileOrder order_;
  uint32_t ns_per_unit_;
  uint32_t link_;
  std::vector<uint8_t> buffer_;
};

void put32(std::array<uint8_t, 24>& bytes, size_t at, uint32_t value) { std::memcpy(&bytes[at], &value, sizeof value); }

}  // namespace

bool is_classic_magic(uint32_t magic) { return traits_of(magic).has_value(); }

core::Result<std::unique_ptr<CaptureFormat>> open_classic(CaptureFile file, uint32_t magic) {
  const ClassicTraits traits = *traits_of(magic);
  std::array<uint8_t, file_header_rest> header;
  if (file.read(header) < header.size()) return file.cut_at(0, "the header");
  const FileOrder order(traits.swapped);
  if (const uint16_t major = order.get16(&header[0]); major != 2) {
    return file.error_at(4, "pcap version " + std::to_string(major) + "; version 2 is accepted");
  }
  const uint32_t link = order.get32(&header[16]) & link_mask;
  if (!is_known_link(link)) return file.error_at(20, unknown_link(link));
  return std::unique_ptr<CaptureFormat>(std::make_unique<Classic>(std::move(file), traits, link));
}

PcapReader::PcapReader(std::unique_ptr<CaptureFormat> format) : format_(std::move(format)) {}
PcapReader::PcapReader(PcapReader&&) noexcept = default;
PcapReader& PcapReader::operator=(PcapReader&&) noexcept = default;
PcapReader::~PcapReader() = default;

core::Result<PcapReader> PcapReader::open(const std::string& path) {
  core::Result<CaptureFile> file = CaptureFile::open(path);
  if (!file) return core::Error{file.error()};
  std::array<uint8_t, 4> start{};
  const size_t got = file->read(start);
  uint32_t magic;
  std::memcpy(&magic, start.data(), sizeof magic);
  const bool classic = got == start.size() && is_classic_magic(magic);
  if (!classic && (got < start.size() || magic != pcapng::block_section)) {
    return file->error_at(0, "no capture file; pcap and pcapng, not compressed, are accepted");
  }
  core::Result<std::unique_ptr<CaptureFormat>> format =
      classic ? open_classic(*std::move(file), magic) : open_pcapng(*std::move(file));
  if (!format) return core::Error{format.error()};
  return PcapReader(*std::move(format));
}

core::Result<std::optional<CapturedFrame>> PcapReader::next() {
  if (!format_) return std::optional<CapturedFrame>();
  core::Result<std::optional<CapturedFrame>> frame = format_->next();
  if (!frame) format_.reset();
  return frame;
}

core::Result<PcapWriter> PcapWriter::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return core::Error{path + ": cannot be created: " + std::strerror(errno)};
  PcapWriter writer(file, path);
  std::array<uint8_t, 24> header{};
  put32(header, 0, magic_nanoseconds);
  put32(header, 4, 2 | 4 << 16);  // version 2.4, as two numbers of this machine's order
  put32(header, 16, captured_bytes_max);
  put32(header, 20, link_ethernet);
  if (std::fwrite(header.data(), 1, header.size(), file) != header.size()) return writer.failure();
  return writer;
}

core::Status PcapWriter::write(core::ByteView frame, uint64_t time_ns) {
  std::array<uint8_t, 24> header{};
  const size_t captured = frame.size() < captured_bytes_max ? frame.size() : captured_bytes_max;
  put32(header, 0, static_cast<uint32_t>(time_ns / 1'000'000'000));
  put32(header, 4, static_cast<uint32_t>(time_ns % 1'000'000'000));
  put32(header, 8, static_cast<uint32_t>(captured));
  put32(header, 12, static_cast<uint32_t>(frame.size()));
  if (std::fwrite(header.data(), 1, record_header_bytes, file_.get()) != record_header_bytes ||
      std::fwrite(frame.data(), 1, captured, file_.get()) != captured) {
    return failure();
  }
  return core::Done{};
}

core::Status PcapWriter::close() {
  if (std::fclose(file_.release()) != 0) return failure();
  return core::Done{};
}

core::Error PcapWriter::failure() const { return {path_ + ": cannot be written: " + std::strerror(errno)}; }

}  // namespace viaduct::net
