-- Wireshark and tshark of Debian 12 do not know HEP. This shows what [hep] sends: the chunks, and the SIP message in
-- them as SIP.
--
--   tshark -X lua_script:config/wireshark/hep3.lua -r capture.pcapng -Y hep
local hep = Proto("hep", "Homer Encapsulation Protocol 3")
local field = {
  source_v4 = ProtoField.ipv4("hep.source_ip", "Source"),
  destination_v4 = ProtoField.ipv4("hep.destination_ip", "Destination"),
  source_v6 = ProtoField.ipv6("hep.source_ipv6", "Source"),
  destination_v6 = ProtoField.ipv6("hep.destination_ipv6", "Destination"),
  source_port = ProtoField.uint16("hep.source_port", "Source port"),
  destination_port = ProtoField.uint16("hep.destination_port", "Destination port"),
  seconds = ProtoField.uint32("hep.seconds", "Time, seconds since 1970"),
  microseconds = ProtoField.uint32("hep.microseconds", "Time, microseconds"),
  capture_id = ProtoField.uint32("hep.capture_id", "Capture id"),
  password = ProtoField.string("hep.password", "Password"),
  correlation_id = ProtoField.string("hep.correlation_id", "Correlation id"),
  node = ProtoField.string("hep.node", "Node"),
}
hep.fields = field
local by_type = {
  [3] = field.source_v4, [4] = field.destination_v4, [5] = field.source_v6, [6] = field.destination_v6,
  [7] = field.source_port, [8] = field.destination_port, [9] = field.seconds, [10] = field.microseconds,
  [12] = field.capture_id, [14] = field.password, [17] = field.correlation_id, [19] = field.node,
}
local head_bytes, payload_type = 6, 15

function hep.dissector(buffer, packet, tree)
  if buffer:len() < head_bytes or buffer(0, 4):string() ~= "HEP3" then return 0 end
  local length = math.min(buffer(4, 2):uint(), buffer:len())
  local branch = tree:add(hep, buffer(0, length))
  local at, payload = head_bytes, nil
  while at + head_bytes <= length do
    local kind, size = buffer(at + 2, 2):uint(), buffer(at + 4, 2):uint()
    if size < head_bytes or at + size > length then break end
    if size > head_bytes then
      local value = buffer(at + head_bytes, size - head_bytes)
      if by_type[kind] then branch:add(by_type[kind], value) end
      if kind == payload_type then payload = value end
    end
    at = at + size
  end
  packet.cols.protocol = "HEP3"
  if payload then Dissector.get("sip"):call(payload:tvb(), packet, tree) end
  return length
end

DissectorTable.get("udp.port"):add(9060, hep)
