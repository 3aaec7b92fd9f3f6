// What a helper does with HDF5 files, Keras' archives and MATLAB files: it reads what is asked for into a table. Only
// numbers and bytes leave it; what they mean, and whether they are right, is decided by who reads the table.
#pragma once
#include <stdint.h>

#include "CConfined.h"

/// The name under which the helper is started.
#define FN_READER_NAME "fixednet-reader"

/// Kinds of work. What a request holds behind its first numbers:
/// FN_READ_HDF5: a limit of bytes for values that take more memory than they take in the file, a number of wants, wants.
/// FN_READ_ARCHIVE: a number of members, members; then as FN_READ_HDF5 for a member of role FN_MEMBER_HDF5.
/// FN_READ_MATLAB: a limit of bytes for all that is unpacked, one for values, a number of names, names.
/// FN_READ_TABLE: a delimiter (0: to be found), FN_TARGET_..., a number of features, whether answers are names of classes
/// even where they look like numbers, the target (text), a number of columns that are passed over, those (texts).
/// FN_READ_NUMPY: a number of arrays; of each FN_AS_... (0: only what it is), and the member, as in an archive.
/// FN_READ_PICTURES: height, width and channels that all pictures get (0 channels: only what each is), whether they must have
/// them already, a number of pictures, the bytes of each; the file is one picture after the other.
/// Numbers have 8 bytes; a text is its length and then its bytes, filled up with zeros to a multiple of 8.
enum {
  FN_READ_HDF5 = 1,
  FN_READ_ARCHIVE = 2,
  FN_READ_MATLAB = 3,
  FN_READ_TABLE = 4,
  FN_READ_NUMPY = 5,
  FN_READ_PICTURES = 6,
};

/// What is wanted of an HDF5 file. A want: its kind, for values how, a number of steps, steps (kind and text), and for an
/// attribute its name.
enum {
  /// The object at the end of the path: its kind, a dataset's type and shape.
  FN_WANT_OBJECT = 1,
  /// An attribute of it.
  FN_WANT_ATTRIBUTE = 2,
  /// A list of strings that may be split into name0, name1, ...
  FN_WANT_LIST = 3,
  /// The names in the group.
  FN_WANT_NAMES = 4,
  /// The values of the dataset, as FN_AS_... says; a limit of bytes, 0: where they are small for what the file has.
  FN_WANT_VALUES = 5,
  /// The strings of the dataset as names of classes, if that is what it holds.
  FN_WANT_LABELS = 6,
};

/// As what values are wanted: float32; float64; float32 for those that are stored so or in two bytes, else float64, and
/// integers only where there are at most 65,536 of them.
enum { FN_AS_FLOAT = 1, FN_AS_DOUBLE = 2, FN_AS_STORED = 3 };

/// A step of a path: by name; to 0, 1, ... as far as there are; to everything in the group; to all that an attribute of the
/// group lists (names of several components).
enum { FN_STEP_NAME = 1, FN_STEP_NUMBERS = 2, FN_STEP_ALL = 3, FN_STEP_LISTED = 4 };

/// A member of an archive: its role, its place, packed bytes, bytes, method (0 stored, 8 deflated), CRC-32. One that is the
/// whole file has no checksum.
enum { FN_MEMBER_BYTES = 1, FN_MEMBER_HDF5 = 2, FN_MEMBER_FILE = 3 };

/// Records of the table.
enum {
  /// Why nothing can be read: what (FN_FAULT_...), text.
  FN_RECORD_FAULT = 1,
  /// Path, kind of link, kind of object, reason where it cannot be opened.
  FN_RECORD_OBJECT = 2,
  /// Path, form, class, bytes per element, is committed, has a shape, rank, extents, storage fault, number found.
  FN_RECORD_DATASET = 3,
  /// Path, name, form; then texts (count, texts), or a number's 8 bytes, or a reason.
  FN_RECORD_ATTRIBUTE = 4,
  /// Path, count, texts.
  FN_RECORD_NAMES = 5,
  /// Index; FN_MEMBER_HERE, count, place, or why it is not there.
  FN_RECORD_MEMBER = 6,
  /// Name, class, is complex, rank, number of extents, extents. Fields of a struct follow it as "name.field".
  FN_RECORD_VARIABLE = 7,
  /// Unpacked bytes of all variables, number of variables.
  FN_RECORD_VARIABLES = 8,
  /// Path or name; FN_VALUES_...; FN_VALUES_HERE: as what, count, place; FN_VALUES_UNREADABLE: reason; FN_VALUES_ODD: one.
  FN_RECORD_VALUES = 9,
  /// Delimiter, FN_HEADER_..., rows, columns, features, the target's column (UINT64_MAX: none), whether it is the last for
  /// want of a better one, whether answers are names of classes.
  FN_RECORD_TABLE = 10,
  /// Why a table cannot be read: FN_TABLE_..., line, column (UINT64_MAX: none), expected, found, three texts: the column's
  /// name, and what was found.
  FN_RECORD_CELL = 11,
  /// Path or name, names in the order of their bytes (count, texts), and each string's place among them: FN_AS_DOUBLE, count, place.
  FN_RECORD_LABELS = 12,
  /// Of an array of NumPy: its place in the request, FN_NUMPY_..., type, bytes per element, where values start, rank,
  /// extents. Its values (FN_RECORD_VALUES) and names (FN_RECORD_LABELS) have that place too, instead of a path.
  FN_RECORD_ARRAY = 13,
  /// A picture's place in the request, FN_PICTURE_..., height, width, channels, flags, text; then count and place of its
  /// bytes where they are wanted. The first one that is not FN_PICTURE_HERE is the last.
  FN_RECORD_PICTURE = 14,
};

enum {
  FN_FAULT_HEAP = 1,
  FN_FAULT_LIBRARY = 2,
  FN_FAULT_CUT = 3,
  FN_FAULT_TYPE = 4,
  FN_FAULT_ZLIB = 5,
  FN_FAULT_TOO_LONG = 6,
  FN_FAULT_HEADER = 7,
  FN_FAULT_COUNT = 8,
  /// Marked as open by its writer.
  FN_FAULT_OPEN = 9,
};

/// Links, as HDF5 numbers them.
enum { FN_LINK_HARD = 0, FN_LINK_SOFT = 1, FN_LINK_EXTERNAL = 64 };
enum { FN_OBJECT_UNREADABLE = 0, FN_OBJECT_GROUP = 1, FN_OBJECT_DATASET = 2, FN_OBJECT_OTHER = 3 };

/// Forms of elements that can be read; 0: none of them.
enum {
  FN_FORM_FLOAT16 = 1,
  FN_FORM_FLOAT32 = 2,
  FN_FORM_FLOAT64 = 3,
  FN_FORM_INTEGER = 4,
  FN_FORM_BOOLEAN = 5,
};

/// HDF5's classes of types.
enum {
  FN_CLASS_INTEGER = 0,
  FN_CLASS_FLOAT = 1,
  FN_CLASS_STRING = 3,
  FN_CLASS_BITFIELD = 4,
  FN_CLASS_OPAQUE = 5,
  FN_CLASS_COMPOUND = 6,
  FN_CLASS_REFERENCE = 7,
  FN_CLASS_ENUMERATION = 8,
  FN_CLASS_LIST = 9,
  FN_CLASS_ARRAY = 10,
};

/// Values: in the table; more than was allowed without asking; the library gave up; a boolean that is neither 0 nor 1.
enum { FN_VALUES_HERE = 1, FN_VALUES_LATER = 2, FN_VALUES_UNREADABLE = 3, FN_VALUES_ODD = 4 };

/// Attributes.
enum {
  FN_ATTRIBUTE_UNREADABLE = 0,
  FN_ATTRIBUTE_TEXTS = 1,
  FN_ATTRIBUTE_SIGNED = 2,
  FN_ATTRIBUTE_UNSIGNED = 3,
  FN_ATTRIBUTE_FLOAT = 4,
  /// A list of nothing, of any type.
  FN_ATTRIBUTE_EMPTY = 5,
  /// More axes than one.
  FN_ATTRIBUTE_SHAPE = 6,
  /// Some other type, or numbers that are not one.
  FN_ATTRIBUTE_TYPE = 7,
  /// More strings, or more text, than may be; how many.
  FN_ATTRIBUTE_COUNT = 8,
  FN_ATTRIBUTE_TEXT = 9,
  /// Bytes of another number than its strings take.
  FN_ATTRIBUTE_SIZE = 10,
};

/// Strings of a list, and bytes of the text of an attribute.
enum { FN_TEXT_COUNT = 65536, FN_TEXT_BYTES = 16 << 20 };

/// What is wrong with a dataset's storage.
enum {
  FN_STORAGE_SOUND = 0,
  FN_STORAGE_UNREADABLE = 1,
  /// Values of other files.
  FN_STORAGE_VIRTUAL = 2,
  FN_STORAGE_EXTERNAL = 3,
  /// More than 4; found: how many.
  FN_STORAGE_FILTERS = 4,
  /// Neither deflate, shuffle nor fletcher32; found: its number.
  FN_STORAGE_FILTER = 5,
  FN_STORAGE_EMPTY = 6,
  /// More than the file has; found: bytes.
  FN_STORAGE_BEYOND_FILE = 7,
  /// Fewer than the shape says; found: bytes.
  FN_STORAGE_SHORT = 8,
  /// Fewer than DEFLATE needs for the shape (it expands at most 1032-fold); found: bytes.
  FN_STORAGE_PACKED_SHORT = 9,
  /// Chunks beyond 64 MiB of float32.
  FN_STORAGE_CHUNKS = 10,
};

enum { FN_MEMBER_HERE = 1, FN_MEMBER_DAMAGED = 2, FN_MEMBER_CHECKSUM = 3, FN_MEMBER_LATER = 4 };

/// Classes of MATLAB's variables.
enum {
  FN_MATLAB_NUMBERS = 0,
  FN_MATLAB_EMPTY = 1,
  FN_MATLAB_CELL = 2,
  FN_MATLAB_STRUCT = 3,
  FN_MATLAB_OBJECT = 4,
  FN_MATLAB_TEXT = 5,
  FN_MATLAB_SPARSE = 6,
  FN_MATLAB_FUNCTION = 7,
  FN_MATLAB_UNKNOWN = 8,
};
enum { FN_MATLAB_RANK = 8, FN_MATLAB_NAMES = 8, FN_MATLAB_VARIABLES = 65536 };

/// A table's first line: values; names of the columns; 0, 1, 2, ... in their place; scikit-learn's numbers of rows and
/// features and names of classes.
enum { FN_HEADER_NONE = 0, FN_HEADER_NAMES = 1, FN_HEADER_COUNTED = 2, FN_HEADER_CLASSES = 3 };

/// Which column holds the answers: the one that is called so, else the last; the one of this name or number; none; none in
/// a table that is as wide as the features, else as the first.
enum {
  FN_TARGET_USUAL = 0,
  FN_TARGET_NAMED = 1,
  FN_TARGET_NONE = 2,
  FN_TARGET_BY_WIDTH = 3,
};

/// Columns of a table, classes by name, bytes of such a name.
enum { FN_TABLE_COLUMNS = 1 << 20, FN_TABLE_CLASSES = 65536, FN_TABLE_NAME = 1024 };

/// Why a table cannot be read.
enum {
  /// No row.
  FN_TABLE_EMPTY = 1,
  /// Records of different lengths.
  FN_TABLE_RAGGED = 2,
  FN_TABLE_MISSING = 3,
  /// Text where a number must be.
  FN_TABLE_TEXT = 4,
  /// A number that float32 does not have.
  FN_TABLE_BEYOND = 5,
  /// A quote inside of a field, or something behind the closing one.
  FN_TABLE_QUOTE = 6,
  FN_TABLE_OPEN_QUOTE = 7,
  FN_TABLE_NUL = 8,
  FN_TABLE_WIDE = 9,
  /// More than one delimiter fits.
  FN_TABLE_DELIMITER = 10,
  /// No column is called so; text 1: how.
  FN_TABLE_NO_COLUMN = 11,
  /// Several are; texts: two of them.
  FN_TABLE_COLUMNS_ALIKE = 12,
  /// Answers are texts, and numbers that are no class' name.
  FN_TABLE_MIXED = 13,
  FN_TABLE_TOO_MANY_CLASSES = 14,
  FN_TABLE_LONG_NAME = 15,
  /// One column, and no other for the answers.
  FN_TABLE_NARROW = 16,
};

/// An array of NumPy: sound; not packed as it should be; with a wrong checksum; something else; of an unknown version; with
/// a header that is none, or with more or fewer values; of a type that is not read.
enum {
  FN_NUMPY_SOUND = 1,
  FN_NUMPY_PACKED = 2,
  FN_NUMPY_CHECKSUM = 3,
  FN_NUMPY_OTHER = 4,
  FN_NUMPY_VERSION = 5,
  FN_NUMPY_DAMAGED = 6,
  FN_NUMPY_TYPE = 7,
};
enum { FN_NUMPY_RANK = 8 };

/// Pictures.
enum {
  FN_PICTURE_HERE = 1,
  /// No byte.
  FN_PICTURE_EMPTY = 2,
  /// Neither PNG nor JPEG; text: what it is, where that is known.
  FN_PICTURE_OTHER = 3,
  /// Text: what the library says.
  FN_PICTURE_DAMAGED = 4,
  /// More than FN_PICTURE_PIXELS, or none.
  FN_PICTURE_LARGE = 5,
  /// Of a kind that is not read; text: which.
  FN_PICTURE_KIND = 6,
  /// Of another size, or grey and not coloured, or the reverse.
  FN_PICTURE_SIZE = 7,
  FN_PICTURE_COLOURS = 8,
};
/// What was done to one: transparency laid over black, 16 bits made 8, turned upright.
enum { FN_PICTURE_ALPHA = 1, FN_PICTURE_DEEP = 2, FN_PICTURE_TURNED = 4 };
enum { FN_PICTURE_PIXELS = 1 << 26 };

/// Reads as a helper does; for tests, in any process. Returns what a helper would exit with.
int fn_read(fn_job *job);
/// What `fn_read` needs to have been called once before.
void fn_read_prepare(void);
/// What it needs to have been called before with the same job: opens what is read as a file. Returns its descriptor or -1.
int fn_read_open(fn_job *job);

/// Ends the helper. In other processes `fn_read` returns `code` then, and what it had is lost.
void fn_give_up(int code) __attribute__((noreturn));
