"""events.py FILE: prints the scalars of an event file, a line each: step, tag, value; and checks every length and checksum.
With --tensorboard, by TensorBoard's own reader, which must also write the same bytes.

A parser of its own: TFRecord and protocol buffers as their documents describe them."""
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        (count,) = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(data[at : at + 8]), "checksum of a length"
        record = data[at + 12 : at + 12 + count]
        assert struct.unpack_from("<I", data, at + 12 + count)[0] == masked(record), "checksum of a record"
        yield record
        at += count + 16
    assert at == len(data), "half a record at the end"


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            count, at = varint(data, at)
            value, at = data[at : at + count], at + count
        else:
            form, count = {1: ("<d", 8), 5: ("<f", 4)}[kind]
            value, at = struct.unpack_from(form, data, at)[0], at + count
        found[key >> 3] = value
    assert at == len(data)
    return found


def scalars(data):
    events = [fields(record) for record in records(data)]
    assert events[0][3] == b"brain.Event:2" and all(event[1] > 0 for event in events)
    for event in events[1:]:
        value = fields(fields(event[5])[1])
        yield event[2], value[1].decode(), value[2]


def scalars_of_tensorboard(path, data):
    from tensorboard.backend.event_processing import event_file_loader
    from make import write

    events = list(event_file_loader.LegacyEventFileLoader(path).Load())
    write("again", events)
    assert open("again", "rb").read() == data, "TensorBoard's writer makes other bytes of the same events"
    assert events[0].file_version == "brain.Event:2"
    for event in events[1:]:
        yield event.step, event.summary.value[0].tag, event.summary.value[0].simple_value


assert crc32c(b"123456789") == 0xE3069283  # RFC 3720 and every table of CRCs
path = sys.argv[-1]
data = open(path, "rb").read()
for number in scalars_of_tensorboard(path, data) if sys.argv[1] == "--tensorboard" else scalars(data):
    print("%d %s %.6e" % number)
