// NumPy's .npy: a header of text, then values. Source: NumPy Enhancement Proposal 1, and numpy.lib.format, versions 1 to 3.
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "parts.h"
#include "table/names.h"

enum { HEADER_LIMIT = 1 << 16, TYPE_LENGTH = 16 };

/// What a header says.
typedef struct {
  /// "<f4" and the like; one that begins with [ is a list of fields.
  char type[TYPE_LENGTH];
  int is_fortran;
  uint64_t rank, extents[FN_NUMPY_RANK];
  /// Where the values start; elements; bytes of each.
  uint64_t start, count, size;
  char kind;
  int is_big;
} npy;

// MARK: - The header, a dictionary of Python

typedef struct {
  const unsigned char *at, *end;
} text;

static void skip_spaces(text *in) {
  while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\t')) in->at++;
}

static int take(text *in, char byte) {
  skip_spaces(in);
  if (in->at == in->end || *in->at != (unsigned char)byte) return 0;
  in->at++;
  return 1;
}

/// A text in quotes, of less than `room` bytes.
static int take_string(text *in, char *to, size_t room) {
  skip_spaces(in);
  if (in->at == in->end || (*in->at != '\'' && *in->at != '"')) return 0;
  unsigned char quote = *in->at++;
  size_t length = 0;
  while (in->at < in->end && *in->at != quote) {
    if (length + 1 >= room) return 0;
    to[length++] = (char)*in->at++;
  }
  to[length] = 0;
  return in->at < in->end && *in->at++ == quote;
}

static int take_word(text *in, const char *word) {
  size_t length = strlen(word);
  skip_spaces(in);
  if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0) return 0;
  in->at += length;
  return 1;
}

static int take_shape(text *in, npy *what) {
  if (!take(in, '(')) return 0;
  while (!take(in, ')')) {
    uint64_t extent = 0, digits = 0;
    skip_spaces(in);
    for (; in->at < in->end && *in->at - (unsigned)'0' <= 9; in->at++, digits++) {
      if (extent > UINT64_C(1) << 40) return 0;
      extent = 10 * extent + (*in->at - '0');
    }
    // Python 2 wrote 5L.
    if (in->at < in->end && *in->at == 'L') in->at++;
    if (digits == 0 || what->rank == FN_NUMPY_RANK) return 0;
    what->extents[what->rank++] = extent;
    if (!take(in, ',')) return take(in, ')');
  }
  return 1;
}

/// The three entries, in any order.
static int take_dictionary(text *in, npy *what) {
  int seen = 0;
  if (!take(in, '{')) return 0;
  while (!take(in, '}')) {
    char key[TYPE_LENGTH + 8];
    if (!take_string(in, key, sizeof key) || !take(in, ':')) return 0;
    if (strcmp(key, "descr") == 0) {
      skip_spaces(in);
      seen |= 1;
      if (in->at < in->end && *in->at == '[') {
        // Records: nobody reads on.
        what->type[0] = '[';
        return 1;
      }
      if (!take_string(in, what->type, sizeof what->type)) return 0;
    } else if (strcmp(key, "fortran_order") == 0) {
      seen |= 2;
      what->is_fortran = take_word(in, "True");
      if (!what->is_fortran && !take_word(in, "False")) return 0;
    } else if (strcmp(key, "shape") == 0) {
      seen |= 4;
      what->rank = 0;
      if (!take_shape(in, what)) return 0;
    } else {
      return 0;
    }
    if (!take(in, ',')) {
      if (!take(in, '}')) return 0;
      break;
    }
  }
  skip_spaces(in);
  return seen == 7 && in->at == in->end;
}

/// Splits a type such as "<f4". Returns 0 for those that are not read.
static int split_type(npy *what) {
  const char *type = what->type;
  char order = type[0];
  if (order != '<' && order != '>' && order != '|' && order != '=') return 0;
  what->is_big = order == '>';
  what->kind = type[1];
  uint64_t size = 0;
  for (const char *p = type + 2; *p; p++) {
    if (*p < '0' || *p > '9' || size > 100000) return 0;
    size = 10 * size + (uint64_t)(*p - '0');
  }
  what->size = what->kind == 'U' ? 4 * size : size;
  switch (what->kind) {
    case 'b': return size == 1;
    case 'i': case 'u': return size == 1 || size == 2 || size == 4 || size == 8;
    case 'f': return size == 2 || size == 4 || size == 8;
    case 'S': case 'U': return size >= 1 && size <= FN_TABLE_NAME;
    default: return 0;
  }
}

/// Reads the header in the first bytes of an array. Returns FN_NUMPY_...
static int read_header(const unsigned char *bytes, uint64_t size, npy *what) {
  if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0) return FN_NUMPY_OTHER;
  unsigned version = bytes[6];
  if (version < 1 || version > 3) return FN_NUMPY_VERSION;
  uint64_t prefix = version == 1 ? 10 : 12, length = bytes[8] | (uint64_t)bytes[9] << 8;
  if (size < prefix) return FN_NUMPY_DAMAGED;
  if (version > 1) length |= (uint64_t)bytes[10] << 16 | (uint64_t)bytes[11] << 24;
  if (length > HEADER_LIMIT - 12 || prefix + length > size) return FN_NUMPY_DAMAGED;
  text in = {bytes + prefix, bytes + prefix + length};
  if (!take_dictionary(&in, what)) return FN_NUMPY_DAMAGED;
  what->start = prefix + length;
  if (!split_type(what)) return FN_NUMPY_TYPE;
  what->count = 1;
  for (uint64_t axis = 0; axis < what->rank; axis++)
    if (__builtin_mul_overflow(what->count, what->extents[axis], &what->count) ||
        what->count > UINT64_C(1) << 40)
      return FN_NUMPY_DAMAGED;
  return FN_NUMPY_SOUND;
}

// MARK: - Values

static uint64_t word_at(const unsigned char *bytes, uint64_t size, int is_big) {
  uint64_t word = 0;
  for (uint64_t i = 0; i < size; i++)
    word |= (uint64_t)bytes[i] << 8 * (is_big ? size - 1 - i : i);
  return word;
}

static double half(uint64_t bits) {
  uint64_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent == 0 ? (double)fraction * 0x1p-24 : 0;
  if (exponent == 31) value = fraction ? __builtin_nan("") : __builtin_inf();
  if (exponent > 0 && exponent < 31) {
    uint64_t wide = (exponent + 1008) << 52 | fraction << 42;
    memcpy(&value, &wide, sizeof value);
  }
  return bits >> 15 ? -value : value;
}

static double value_at(const npy *what, const unsigned char *bytes) {
  uint64_t word = word_at(bytes, what->size, what->is_big);
  float single;
  double value;
  uint32_t low = (uint32_t)word;
  switch (what->kind) {
    case 'b': return word != 0;
    case 'u': return (double)word;
    case 'i': return (double)((int64_t)(word << (64 - 8 * what->size)) >> (64 - 8 * what->size));
    default: break;
  }
  if (what->size == 2) return half(word);
  if (what->size == 4) {
    memcpy(&single, &low, sizeof single);
    return single;
  }
  memcpy(&value, &word, sizeof value);
  return value;
}

/// Where element `index` in C's order is among the stored ones.
static uint64_t stored_place(const npy *what, uint64_t index) {
  if (!what->is_fortran) return index;
  uint64_t place = 0, stride = what->count;
  for (uint64_t axis = what->rank; axis > 0; axis--) {
    uint64_t extent = what->extents[axis - 1];
    stride /= extent;
    place += index % extent * stride;
    index /= extent;
  }
  return place;
}

/// A text as UTF-8 of the memory that is kept. `bytes`: UTF-32 or bytes, filled up with zeros.
static fn_field text_at(const npy *what, const unsigned char *bytes) {
  fn_field field = {.text = bytes};
  if (what->kind == 'S') {
    while (field.length < what->size && bytes[field.length]) field.length++;
    return field;
  }
  unsigned char *to = fn_keep(what->size + 4);
  field.text = to;
  for (uint64_t i = 0; i < what->size; i += 4) {
    uint64_t scalar = word_at(bytes + i, 4, what->is_big);
    if (scalar == 0) break;
    if (scalar < 0x80) {
      *to++ = (unsigned char)scalar;
    } else if (scalar < 0x800) {
      *to++ = (unsigned char)(0xC0 | scalar >> 6);
      *to++ = (unsigned char)(0x80 | (scalar & 63));
    } else if (scalar < 0x10000) {
      *to++ = (unsigned char)(0xE0 | scalar >> 12);
      *to++ = (unsigned char)(0x80 | (scalar >> 6 & 63));
      *to++ = (unsigned char)(0x80 | (scalar & 63));
    } else {
      *to++ = (unsigned char)(0xF0 | (scalar >> 18 & 7));
      *to++ = (unsigned char)(0x80 | (scalar >> 12 & 63));
      *to++ = (unsigned char)(0x80 | (scalar >> 6 & 63));
      *to++ = (unsigned char)(0x80 | (scalar & 63));
    }
  }
  field.length = (uint64_t)(to - field.text);
  return field;
}

// MARK: - Answers

static void write_header(fn_table *table, uint64_t index, int state, const npy *what) {
  fn_table_begin(table, FN_RECORD_ARRAY);
  fn_table_number(table, index);
  fn_table_number(table, (uint64_t)state);
  fn_table_text(table, what->type, strlen(what->type));
  fn_table_number(table, what->size);
  fn_table_number(table, what->start);
  fn_table_number(table, what->rank);
  for (uint64_t axis = 0; axis < what->rank; axis++) fn_table_number(table, what->extents[axis]);
  fn_table_end(table);
}

/// Writes numbers; `how`: FN_AS_...
static void write_numbers(
    fn_table *table, uint64_t index, const npy *what, const unsigned char *values, uint64_t how) {
  fn_table_begin(table, FN_RECORD_VALUES);
  fn_table_number(table, index);
  fn_table_number(table, how);
  fn_table_number(table, what->count);
  unsigned char *room = fn_table_room(table, what->count * (how == FN_AS_FLOAT ? 4 : 8));
  fn_table_end(table);
  for (uint64_t i = 0; room && i < what->count; i++) {
    double value = value_at(what, values + what->size * stored_place(what, i));
    if (how == FN_AS_FLOAT)
      ((float *)(void *)room)[i] = (float)value;
    else
      ((double *)(void *)room)[i] = value;
  }
}

/// Writes texts as names of classes; nothing where there are too many.
static void write_texts(
    fn_table *table, uint64_t index, const npy *what, const unsigned char *values) {
  fn_field *fields = fn_keep(what->count * sizeof *fields);
  for (uint64_t i = 0; i < what->count; i++)
    fields[i] = text_at(what, values + what->size * stored_place(what, i));
  fn_write_labels(table, NULL, index, fields, what->count);
  fn_release();
}

/// One array. `how`: FN_AS_...; 0: only its header.
static void read_array(
    fn_table *table, uint64_t index, const unsigned char *bytes, uint64_t size, uint64_t how) {
  npy what = {0};
  int state = read_header(bytes, size, &what);
  if (state == FN_NUMPY_SOUND && how != 0 && size - what.start != what.count * what.size)
    state = FN_NUMPY_DAMAGED;
  write_header(table, index, state, &what);
  if (state != FN_NUMPY_SOUND || how == 0) return;
  if (what.kind == 'S' || what.kind == 'U')
    write_texts(table, index, &what, bytes + what.start);
  else
    write_numbers(table, index, &what, bytes + what.start, how);
}

int fn_read_numpy(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request) {
  uint64_t count = fn_source_number(request);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t how = fn_source_number(request);
    fn_member what = fn_take_member(request);
    if (request->is_short || !fn_member_fits(&what, size)) return FN_EXIT_WORK;
    uint64_t wanted = how == 0 && what.count > HEADER_LIMIT ? HEADER_LIMIT : what.count;
    // What is not packed is read where it is, however large it is.
    int is_plain = what.method == 0;
    unsigned char *array = is_plain ? NULL : malloc(wanted + 1);
    if (!is_plain && !array) fn_give_up(FN_EXIT_MEMORY);
    const unsigned char *values = is_plain ? bytes + what.place : array;
    int state = FN_MEMBER_HERE;
    if (how == 0 && !is_plain)
      state = fn_member_start(bytes, &what, array, wanted);
    else if (how != 0)
      state = is_plain ? fn_member_check(&what, values) : fn_member_unpack(bytes, &what, array);
    if (state == FN_MEMBER_HERE) {
      read_array(table, i, values, wanted, how);
    } else {
      npy none = {0};
      write_header(table, i, state == FN_MEMBER_CHECKSUM ? FN_NUMPY_CHECKSUM : FN_NUMPY_PACKED,
                   &none);
    }
    free(array);
  }
  return FN_EXIT_DONE;
}
