"""Changes of files for storm.py: of bytes, of JSON's values, of the JSON in an HDF5 file, of an archive's members."""
import copy
import io
import json
import re
import warnings
import zipfile

warnings.filterwarnings("ignore", module="zipfile")  # of equal names

INTERESTING = [0, 1, 2, 7, 8, 16, 127, 128, 255, 256, 1 << 15, 1 << 16, (1 << 31) - 1, 1 << 31,
               (1 << 32) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1]
VALUES = INTERESTING + [-1, -8, -(1 << 63), 0.5, 1e-300, 1e300, float("nan"), float("inf"), True, False,
                        None, "", "x", "\u202e\u001b[31m", "a\nb", [], {}, [0], [1, 1], [None]]
HERE = "@HERE@"
JSON = re.compile(r'\{"(module|class_name|name)')


def mutate(random, data, others):
    """A few changes of bytes, numbers, lengths; parts of other files."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 3, 5, 9])):
        if not data:
            break
        place, what = random.randrange(len(data)), random.randrange(9)
        if what <= 2:
            data[place] ^= 1 << random.randrange(8)
        elif what == 3:
            data[place] = random.randrange(256)
        elif what == 4:
            width = random.choice([1, 2, 4, 8])
            number = random.choice(INTERESTING) & ((1 << 8 * width) - 1)
            data[place:place + width] = number.to_bytes(width, random.choice(["little", "big"]))
        elif what == 5:
            del data[place:place + random.choice([1, 2, 4, 8, 64, 1024])]
        elif what == 6:
            data[place:place] = data[place:place + random.choice([1, 8, 64])]
        elif what == 7:
            other = random.choice(others)
            start = random.randrange(len(other))
            part = other[start:start + random.choice([4, 16, 64, 512])]
            data[place:place + len(part)] = part
        else:
            del data[place:]
    return bytes(data)


def places(value):
    """(container, key) of all values below one."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def mutate_value(random, whole):
    """A value changed, removed, doubled, exchanged, or put where another one was."""
    found = list(places(whole))
    if not found:
        return
    holder, key = random.choice(found)
    value, what = holder[key], random.randrange(8)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        holder.insert(random.randrange(len(holder) + 1), copy.deepcopy(value))
    elif what == 2 and isinstance(holder, list):
        other = random.randrange(len(holder))
        holder[key], holder[other] = holder[other], holder[key]
    elif what <= 4 and isinstance(value, (int, float)) and not isinstance(value, bool):
        holder[key] = random.choice([value + 1, value - 1, value * 2, -value, value / 2, value * 1000])
    elif what <= 5:
        other, key_there = random.choice(found)
        of_a_kind = [(h, k) for h, k in found if type(h[k]) is type(value)] if what == 5 else []
        other, key_there = random.choice(of_a_kind or [(other, key_there)])
        holder[key] = copy.deepcopy(other[key_there])
    else:
        holder[key] = random.choice(VALUES)


def mark_values(texts):
    """Model texts with HERE for a value, one for each key of each class of layers."""
    found = {}
    for text in texts:
        whole = json.loads(text)
        for holder, key in list(places(whole)):
            layer = holder[key]
            if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
                continue
            for inner, name in list(places(layer["config"])):
                at = (layer["class_name"], name, type(inner[name]).__name__, id(inner) == id(layer["config"]))
                if at not in found and name != "layers":
                    value, inner[name] = inner[name], HERE
                    found[at] = json.dumps(whole).encode()
                    inner[name] = value
    return list(found.values())


def fill_value(random, data, others):
    """A value that hardly any layer can have, where HERE stands."""
    return data.replace(json.dumps(HERE).encode(), json.dumps(random.choice(VALUES)).encode())


def mutate_json(random, data, others):
    """Changes of values, or of bytes."""
    try:
        whole = json.loads(data)
    except ValueError:
        return mutate(random, data, others)
    if random.randrange(4) == 0:
        return mutate(random, data, others)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        try:
            mutate_value(random, whole)
        except (KeyError, IndexError, OverflowError):  # What was found before lies no longer there.
            pass
    return json.dumps(whole, ensure_ascii=random.randrange(2) == 0).encode(errors="surrogatepass")


def mutate_hdf5(random, data, others):
    """Changes of the values of a JSON text in the file, which keeps its length, or of bytes."""
    text = data.decode("latin1")
    starts = [match.start() for match in JSON.finditer(text)]
    if starts and random.randrange(2):
        for _ in range(8):
            start = random.choice(starts[:4])
            try:
                value, end = json.JSONDecoder().raw_decode(text, start)
            except ValueError:
                continue
            for _ in range(random.choice([1, 1, 2])):
                mutate_value(random, value)
            new = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("latin1", "replace")
            if len(new) <= end - start:
                return data[:start] + new.ljust(end - start) + data[end:]
    return mutate(random, data, others)


def mutate_archive(random, data, others):
    """Changes of a member, under a right checksum, or of bytes."""
    if random.randrange(3) == 0:
        return mutate(random, data, others)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as new:
            members = archive.infolist()
            changed = random.choice(members)
            for member in members:
                content = archive.read(member)
                if member is changed:
                    change = mutate_json if member.filename.endswith(".json") else mutate_hdf5
                    content = change(random, content, others) if content else content
                new.writestr(member.filename, content, member.compress_type)
    except Exception:  # zipfile has a dozen for damaged archives, which there are among the fixtures.
        return mutate(random, data, others)
    return out.getvalue()
