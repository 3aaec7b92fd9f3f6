// A process that sees the bytes of one file, its work, and memory for its answer, and nothing else: what parses a file
// that nobody vouches for runs in it. The parent starts it and believes only a complete answer.
#pragma once
#include <stdint.h>
#include <sys/types.h>

// MARK: - The parent

/// A file in memory without a name: its descriptor, or -1 with errno. Not inherited by programs that are started.
int fn_memory_file(void);

/// Whether what is written into a folder stays in memory.
int fn_folder_is_memory(const char *folder);

/// From here on nobody changes the file's bytes or size. 0, or -1 with errno. Without effect where the system has no seals
/// (only Linux has).
int fn_seal_contents(int file);

/// The same for its size only.
int fn_seal_size(int file);

/// A helper that was started.
typedef struct {
  pid_t process;
  /// Readable once the process has ended; -1 where the system has no such descriptor.
  int watch;
  /// A byte: the work may begin, or a part of the ring is free.
  int go;
  /// Where it says that a part of its ring is full; -1: it has none.
  int stream;
  /// Parts of the ring that were taken; bytes of the present one that were not, and where they are.
  uint64_t parts, left, place;
} fn_helper;

/// Starts the program at `path` as the helper `name`, with an empty environment and three files: `input` (what is to be
/// read), `request` (what is wanted of it) and `output` (memory for the answer). They may still be empty. `streams`: whether
/// its output is a ring. `library_path`: what LD_LIBRARY_PATH is set to there; NULL: nothing. Returns 0 or an errno.
int fn_helper_start(
    fn_helper *helper, const char *path, const char *name, const char *library_path, int input,
    int request, int output, int streams);

/// A ring in the output: parts that a helper fills one after the other while its parent empties them, so that all it writes
/// is never in memory twice. The lengths of the parts are in front of them, at the start of the page.
enum { FN_RING = 8192, FN_RING_LENGTHS = 4096, FN_RING_PARTS = 4, FN_RING_BYTES = 1 << 18 };

/// Copies the next bytes of the ring in `output`, which is the whole mapped output, FN_RING + FN_RING_PARTS * FN_RING_BYTES
/// long at least. Returns their number, 0 at the end, -1 after `milliseconds` without any, -2 where lengths are impossible.
int64_t fn_helper_read(
    fn_helper *helper, const void *output, void *bytes, uint64_t count, int milliseconds);

/// Input, request and output are complete: the helper begins.
void fn_helper_begin(fn_helper *helper);

/// Whether it has ended, after at most `milliseconds`; then `status` is what `waitpid` gives, or FN_EXIT_UNKNOWN in its place.
int fn_helper_has_ended(fn_helper *helper, int milliseconds, int *status);

/// Ends it, however it is, and forgets it.
void fn_helper_stop(fn_helper *helper);

/// Removes a folder and all that is in it, up to 8 folders deep; links are not followed. Safe in a signal handler.
void fn_remove_tree(const char *path);

/// Starts another program, one that is trusted, in `folder` and in a process group of its own: with this one's environment,
/// without input; what it prints goes nowhere, what it says on standard error to the descriptor `errors`. `arguments`: its name
/// first, NULL last. Its end is seen as a helper's is, without a thread. Returns 0 or an errno.
int fn_program_start(
    fn_helper *program, const char *path, const char *const arguments[], const char *folder,
    int errors);

// MARK: - The answer

enum { FN_ANSWER_HEADER = 64 };
static inline uint64_t fn_answer_magic(void) { return UINT64_C(0x315245574E414E46); }

/// What stands at the start of the output.
typedef struct {
  /// `fn_answer_magic` once the answer is complete.
  uint64_t magic;
  /// Bytes of records behind the header.
  uint64_t used;
  /// Whether the system offered no filter of system calls.
  uint64_t is_unfiltered;
  uint64_t reserved[5];
} fn_answer;

/// Records, one after the other: tag (4 bytes), zero (4), length (8), contents filled up with zeros to a multiple of 8.
typedef struct {
  unsigned char *bytes;
  uint64_t size, used;
  /// Where the contents of the record that is being written start.
  uint64_t start;
  /// What did not fit is left out, and the answer is none.
  int is_full;
} fn_table;

void fn_table_begin(fn_table *table, uint32_t tag);
void fn_table_end(fn_table *table);
void fn_table_number(fn_table *table, uint64_t value);
/// The length, then the bytes.
void fn_table_text(fn_table *table, const void *bytes, uint64_t count);
/// Writes where the next `count` bytes are, a multiple of 64 from the start of the table, and gives them; NULL if there
/// are not so many.
void *fn_table_room(fn_table *table, uint64_t count);
/// Takes back what was written since `used` was what it is.
void fn_table_take_back(fn_table *table, uint64_t used);

// MARK: - The helper

/// What parent and helper must agree on; another number for every change of what they say to each other.
enum { FN_VERSION = 4 };

/// The request's first numbers. Whatever follows is for the work.
typedef struct {
  uint64_t version, kind;
  /// Bytes of memory besides input, output and what the program has at its start; seconds of the processor.
  uint64_t memory, seconds;
} fn_request;

/// What a helper has to do, and where its answer goes.
typedef struct {
  const unsigned char *bytes;
  uint64_t size;
  /// The descriptor of the file that they are.
  int input;
  /// The request behind its first numbers.
  const unsigned char *request;
  uint64_t request_size;
  uint64_t kind;
  fn_table table;
  /// The ring's parts, the start of their lengths, and how many were filled; NULL: there is none.
  unsigned char *ring;
  volatile uint64_t *ring_lengths;
  uint64_t ring_count;
  /// Where it is said that a part is full; without a ring a file that takes all bytes.
  int stream;
} fn_job;

/// Room for FN_RING_BYTES: the next part of the ring, once it is free. NULL where the parent takes no more.
unsigned char *fn_ring_room(fn_job *job);
/// The first `count` bytes of that room are there. 0 where the parent takes no more.
int fn_ring_pass(fn_job *job, uint64_t count);

/// What a helper exits with: a complete answer; no room for it; no memory; the confinement is not what it must be; no
/// work that it can do. The last is never exited with: nobody knows.
enum {
  FN_EXIT_DONE = 0,
  FN_EXIT_FULL = 3,
  FN_EXIT_MEMORY = 4,
  FN_EXIT_OPEN = 5,
  FN_EXIT_WORK = 6,
  FN_EXIT_UNKNOWN = 7,
};

/// Descriptors of a helper.
enum { FN_INPUT = 3, FN_REQUEST = 4, FN_OUTPUT = 5, FN_GO = 6, FN_STREAM = 7 };

/// A helper's parts.
typedef struct {
  /// Called at once, while the parent is still busy.
  void (*prepare)(void);
  /// Called with the bytes, before the confinement, for what cannot be opened later. Returns a descriptor that stays
  /// open for reading, or -1.
  int (*open)(fn_job *job);
  /// Parses; in confinement. Returns what to exit with.
  int (*work)(fn_job *job);
  /// Whether the output is a ring.
  int streams;
} fn_work;

/// Where this program was started as the helper `name`: does its work and ends. Returns otherwise. Called by a constructor:
/// any program that has the helper's code in it can be started as one.
void fn_helper_run_if_asked(int argc, char **argv, const char *name, const fn_work *work);

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
/// In a build for fuzzing only: a helper is a child without a program of its own, which starts many times as fast.
void fn_helper_run_here(const char *name, long parent) __attribute__((noreturn));
#endif

/// Gives up all that parsing does not need, for good. `file`: a descriptor that may be read, or -1; `stream`: one that may be
/// written to, or -1. `memory`, `seconds`: as in `fn_request`. 0, or 1 where the system has no filter of system calls but all
/// else holds, or -1.
int fn_confine(int file, int stream, uint64_t memory, uint64_t seconds);
