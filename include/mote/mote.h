/* mote.h - run ONNX models: model, session, tensor, status
 * SPDX-License-Identifier: Apache-2.0
 *
 *     mote_model *model;
 *     mote_session *session;
 *     mote_diag diag = MOTE_DIAG_INIT;
 *     if (mote_model_load_path("model.onnx", NULL, &model, &diag) ||
 *         mote_session_create(model, NULL, &session, &diag))
 *         return fail(diag.message);
 *     mote_tensor *x = mote_session_input(session, 0);   // shaped by the model, or by mote_session_prepare
 *     float *p = mote_tensor_map(x);
 *     ... write the input ...
 *     mote_session_run(session, NULL, &diag);
 *     const float *y = mote_tensor_map(mote_session_output(session, 0));
 *
 * Rules that hold everywhere. Functions that can fail return mote_status, MOTE_OK (0) on success, and set their outputs to
 * NULL or 0 otherwise. `diag` may be NULL. Structs that begin with struct_size are made with their _INIT macro. A model is
 * immutable and may be shared by any number of sessions and threads; a session belongs to one thread at a time, and a
 * second thread in the same session is refused with MOTE_E_BUSY. `destroy` takes the address of the handle, accepts NULL
 * in it, and sets it to NULL. Text is UTF-8; sizes are in elements where the name does not say bytes. */
#ifndef MOTE_MOTE_H
#define MOTE_MOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define MOTE_API
#elif defined(__GNUC__)
#define MOTE_API __attribute__((visibility("default")))
#else
#define MOTE_API
#endif

#define MOTE_VERSION_MAJOR 0
#define MOTE_VERSION_MINOR 1
#define MOTE_VERSION_PATCH 0
#define MOTE_MAX_RANK 8

/* "0.1.0". Static. */
MOTE_API const char *mote_version(void);

/* ---- status -------------------------------------------------------------------------------------------------- */

/* Numbers are pinned: they will not change meaning. */
typedef enum mote_status {
    MOTE_OK = 0,
    MOTE_E_ARGUMENT = 1,     /* the caller's mistake: NULL, an index out of range, an unknown option */
    MOTE_E_MEMORY = 2,       /* an allocation failed */
    MOTE_E_LIMIT = 3,        /* a limit that the caller or the library set: memory, steps, folding, depth, size */
    MOTE_E_CANCELLED = 4,    /* mote_session_cancel */
    MOTE_E_BUSY = 5,         /* the session is in use by another thread */
    MOTE_E_IO = 10,          /* the system refused to open, read, map or write; diag has its words */
    MOTE_E_FORMAT = 11,      /* not the format it should be: damaged, truncated */
    MOTE_E_MODEL = 12,       /* well-formed, but not a valid model: a cycle, a missing tensor, a wrong attribute */
    MOTE_E_UNSUPPORTED = 13, /* valid, but not something that this build runs: diag names operator and version */
    MOTE_E_PATH = 14,        /* external data outside the model's folder */
    MOTE_E_SHAPE = 20,       /* shapes do not fit together, or the input's does not fit the model's */
    MOTE_E_DTYPE = 21,       /* an element type that does not fit */
    MOTE_E_VALUE = 22,       /* a value out of its domain: an index out of bounds, an input outside the declared range */
    MOTE_E_MISMATCH = 23,    /* a check's expected outputs differ */
    MOTE_E_PROVIDER = 30,    /* an execution provider failed */
    MOTE_E_INTERNAL = 99     /* a bug in mote */
} mote_status;

/* "out of memory", ...: static, never NULL. */
MOTE_API const char *mote_status_string(mote_status status);

/* What went wrong and where. Owned by the caller; may be reused. */
typedef struct mote_diag {
    size_t struct_size;
    mote_status code;
    char op[64];       /* "Conv", or "" */
    char node[128];    /* the node's name, or "" */
    char message[384]; /* what was seen, what was expected */
} mote_diag;
#define MOTE_DIAG_INIT {sizeof(mote_diag), MOTE_OK, {0}, {0}, {0}}

/* ---- element types ------------------------------------------------------------------------------------------- */

/* Numbered as ONNX's TensorProto.DataType. */
typedef enum mote_dtype {
    MOTE_DTYPE_NONE = 0,
    MOTE_DTYPE_F32 = 1, MOTE_DTYPE_U8 = 2, MOTE_DTYPE_S8 = 3, MOTE_DTYPE_U16 = 4, MOTE_DTYPE_S16 = 5, MOTE_DTYPE_S32 = 6,
    MOTE_DTYPE_S64 = 7, MOTE_DTYPE_STRING = 8, MOTE_DTYPE_BOOL = 9, MOTE_DTYPE_F16 = 10, MOTE_DTYPE_F64 = 11,
    MOTE_DTYPE_U32 = 12, MOTE_DTYPE_U64 = 13, MOTE_DTYPE_C64 = 14, MOTE_DTYPE_C128 = 15, MOTE_DTYPE_BF16 = 16,
    MOTE_DTYPE_F8E4M3FN = 17, MOTE_DTYPE_F8E4M3FNUZ = 18, MOTE_DTYPE_F8E5M2 = 19, MOTE_DTYPE_F8E5M2FNUZ = 20,
    MOTE_DTYPE_U4 = 21, MOTE_DTYPE_S4 = 22, MOTE_DTYPE_F4E2M1 = 23, MOTE_DTYPE_F8E8M0 = 24, MOTE_DTYPE_U2 = 25,
    MOTE_DTYPE_S2 = 26
} mote_dtype;

/* "float32", "int8", ... as the field says it; "undefined" for what is not a type. Static. */
MOTE_API const char *mote_dtype_name(mote_dtype dtype);
/* Bits of one element: 4 for int4, 32 for float32; 0 for strings and what is not a type. */
MOTE_API unsigned mote_dtype_bits(mote_dtype dtype);

/* ---- hooks --------------------------------------------------------------------------------------------------- */

/* Memory. alloc returns `align`-aligned memory (a power of two, at most 64) or NULL; free gets the size that alloc got. Both
 * are called from any thread. */
typedef struct mote_allocator {
    size_t struct_size;
    void *ctx;
    void *(*alloc)(void *ctx, size_t bytes, size_t align);
    void (*free)(void *ctx, void *p, size_t bytes);
} mote_allocator;
#define MOTE_ALLOCATOR_INIT {sizeof(mote_allocator), NULL, NULL, NULL}

typedef enum mote_log_level { MOTE_LOG_ERROR = 1, MOTE_LOG_WARNING = 2, MOTE_LOG_INFO = 3, MOTE_LOG_DEBUG = 4 } mote_log_level;
/* One line, without its newline. Called from the thread that the library was called on. */
typedef void (*mote_log_fn)(void *ctx, mote_log_level level, const char *line);

/* ---- threads ------------------------------------------------------------------------------------------------- */

typedef struct mote_threadpool mote_threadpool;

/* An application's own pool: runs task(task_ctx, i) for i in [0, n) on any threads, the calling one included, and returns
 * when all have ended. Tasks are independent; n is at most `threads`. */
typedef struct mote_threadpool_hooks {
    size_t struct_size;
    void *ctx;
    unsigned threads;
    void (*run)(void *ctx, void (*task)(void *task_ctx, unsigned i), void *task_ctx, unsigned n);
} mote_threadpool_hooks;

/* A pool of `threads` workers (the caller of run is worker 0; 0: one a physical core, at most 4), to be shared by sessions.
 * Idle workers spin for a bounded time (tens of microseconds) and then sleep. Its own few kilobytes come from malloc. Returns MOTE_OK, MOTE_E_ARGUMENT,
 * MOTE_E_MEMORY or MOTE_E_IO (the system gave no thread). */
MOTE_API mote_status mote_threadpool_create(unsigned threads, mote_threadpool **out);
MOTE_API mote_status mote_threadpool_create_custom(const mote_threadpool_hooks *hooks, mote_threadpool **out);
/* No session that uses the pool may be running. */
MOTE_API void mote_threadpool_destroy(mote_threadpool **pool);

/* ---- model --------------------------------------------------------------------------------------------------- */

typedef struct mote_model mote_model;
/* Operators of the application's own: mote_custom.h. */
typedef struct mote_custom_ops mote_custom_ops;

/* Reads bytes of a model that is neither a path nor memory: fills buf with exactly `bytes` bytes from `offset`, or returns
 * false. Called only during load. */
typedef struct mote_reader {
    size_t struct_size;
    void *ctx;
    uint64_t size; /* bytes in all */
    bool (*read)(void *ctx, uint64_t offset, void *buf, size_t bytes);
} mote_reader;

/* What products and convolutions of constant float32 weights compute in. Everything else stays in float32. */
typedef enum mote_arithmetic {
    MOTE_ARITHMETIC_F32 = 0,
    MOTE_ARITHMETIC_BF16 = 1, /* operands rounded to bfloat16, sums in float32: faster in half of the memory, with about three decimal digits. Other bits on
                                other machines. MOTE_E_UNSUPPORTED where the CPU has no such arithmetic: "avx512bf16" and "amxbf16" (mote_cpu_available) */
} mote_arithmetic;

typedef struct mote_load_options {
    size_t struct_size;
    const mote_allocator *allocator; /* NULL: malloc. Copied; its ctx must outlive the model and its sessions */
    size_t memory_limit;             /* bytes that this model may take from the allocator; 0: none */
    mote_log_fn log;                 /* NULL: silent */
    void *log_ctx;
    const char *external_folder;     /* where external data lies, for loads without a path; NULL: there is none */
    const char *disabled_passes;     /* comma-separated names of passes to leave out, or "all"; NULL: none */
    size_t fold_limit;               /* bytes that constant folding may add to a model; 0: the default (16 MiB) */
    uint32_t cpu_mask;               /* CPU features that kernels may use, see `mote bench --help`; 0: all that are there */
    bool copy;                       /* read files instead of mapping them: safe when a file may shrink while in use */
    const char *const *providers;    /* names of execution providers in order of preference, NULL-terminated; NULL: cpu */
    bool keep_optional_inputs;       /* inputs with defaults are not folded into the model and can be bound */
    bool reference;                  /* run every operator by its reference evaluation: slow, for comparison */
    const char *stop_after;          /* for mote_model_dump: "load", "infer", a pass, "simplify", "assign", "lower"; NULL: all stages */
    const mote_custom_ops *custom_ops; /* operators of the application's own (mote_custom.h), NULL: none. The handle may go before the model does */
    mote_arithmetic arithmetic;
} mote_load_options;
#define MOTE_LOAD_OPTIONS_INIT                                                                                         \
    {sizeof(mote_load_options), NULL, 0, NULL, NULL, NULL, NULL, 0, 0, false, NULL, false, false, NULL, NULL, MOTE_ARITHMETIC_F32}

/* Loads, checks, simplifies and lowers a model. The path's file stays mapped until the model is destroyed, and must not
 * change; external data is read only from the model's own folder. Each returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_MEMORY,
 * MOTE_E_LIMIT, MOTE_E_IO, MOTE_E_FORMAT, MOTE_E_MODEL, MOTE_E_UNSUPPORTED, MOTE_E_PATH, MOTE_E_SHAPE, MOTE_E_DTYPE,
 * MOTE_E_VALUE or MOTE_E_PROVIDER, or what the infer of a custom operator returned. Thread-safe. `options` may be NULL. */
MOTE_API mote_status mote_model_load_path(const char *path, const mote_load_options *options, mote_model **out, mote_diag *diag);
/* `data` is borrowed until the model is destroyed. */
MOTE_API mote_status mote_model_load_memory(const void *data, size_t bytes, const mote_load_options *options, mote_model **out,
                                            mote_diag *diag);
/* A file inside an open one (an Android asset). The descriptor is not kept. length 0: to the end. */
MOTE_API mote_status mote_model_load_fd(int fd, uint64_t offset, uint64_t length, const mote_load_options *options,
                                        mote_model **out, mote_diag *diag);
MOTE_API mote_status mote_model_load_reader(const mote_reader *reader, const mote_load_options *options, mote_model **out,
                                            mote_diag *diag);
/* Reads all data of a compiled model (below) and compares their checksum, which loading does not: MOTE_E_FORMAT when they are damaged. Of other models
 * there is nothing to compare. Thread-safe. */
MOTE_API mote_status mote_model_check(const mote_model *model, mote_diag *diag);
/* Sessions keep the model alive: the handle goes, the memory goes with the last session. */
MOTE_API void mote_model_destroy(mote_model **model);

/* Most values are tensors. A sequence holds any number of elements, an optional none or one; elements are tensors, or those of an optional a sequence. */
typedef enum mote_kind { MOTE_KIND_TENSOR = 0, MOTE_KIND_SEQUENCE = 1, MOTE_KIND_OPTIONAL = 2 } mote_kind;

/* What an input or output accepts or gives. */
typedef struct mote_value_info {
    size_t struct_size;
    const char *name;                         /* owned by the model */
    mote_dtype dtype;                         /* NONE when the value is not a tensor */
    int32_t rank;                             /* -1: unknown */
    int64_t shape[MOTE_MAX_RANK];             /* -1 where it is not fixed */
    const char *symbols[MOTE_MAX_RANK];       /* "N", "L", ... where a dimension has a name; else NULL */
    bool optional;                            /* an input with a default (an initializer): need not be bound */
    mote_kind kind, element_kind;             /* element_kind: of a sequence's or optional's elements */
    mote_dtype element_dtype;                 /* of the tensors in a sequence or optional; NONE: unknown, or a tensor */
} mote_value_info;
#define MOTE_VALUE_INFO_INIT {sizeof(mote_value_info), NULL, MOTE_DTYPE_NONE, -1, {0}, {0}, false, MOTE_KIND_TENSOR, MOTE_KIND_TENSOR, MOTE_DTYPE_NONE}

MOTE_API size_t mote_model_input_count(const mote_model *model);
MOTE_API size_t mote_model_output_count(const mote_model *model);
MOTE_API mote_status mote_model_input_info(const mote_model *model, size_t index, mote_value_info *info);
MOTE_API mote_status mote_model_output_info(const mote_model *model, size_t index, mote_value_info *info);
/* The index of the input or output of that name; SIZE_MAX when there is none. */
MOTE_API size_t mote_model_input_index(const mote_model *model, const char *name);
MOTE_API size_t mote_model_output_index(const mote_model *model, const char *name);

/* The model's metadata, in the file's order. Strings owned by the model. */
MOTE_API size_t mote_model_metadata_count(const mote_model *model);
MOTE_API mote_status mote_model_metadata_at(const mote_model *model, size_t index, const char **key, const char **value);
/* The value of a key, or NULL. */
MOTE_API const char *mote_model_metadata(const mote_model *model, const char *key);

/* The model's graph as text, after the stage that stop_after named. write gets pieces in order and returns false to stop. */
MOTE_API mote_status mote_model_dump(const mote_model *model, bool (*write)(void *ctx, const char *text, size_t n), void *ctx);

/* ---- tensor -------------------------------------------------------------------------------------------------- */

/* A tensor of a session, or one that the caller describes to bind. Host tensors are row-major and contiguous (strides in
 * elements; sub-byte types are packed, low bits first). Strings: an array of mote_string. A sequence or optional has kind, rank 1, the number of its
 * elements in shape[0], and in its buffer an array of that many mote_tensor. */
typedef struct mote_tensor {
    size_t struct_size;
    void *buffer;                    /* the provider's handle; for host memory, the first byte */
    size_t offset;                   /* bytes from the buffer's start */
    size_t bytes;
    mote_dtype dtype;
    int32_t rank;
    int64_t shape[MOTE_MAX_RANK];
    int64_t strides[MOTE_MAX_RANK];
    mote_kind kind;                  /* what is not a tensor has dtype NONE; its elements say theirs */
} mote_tensor;
#define MOTE_TENSOR_INIT {sizeof(mote_tensor), NULL, 0, 0, MOTE_DTYPE_NONE, 0, {0}, {0}, MOTE_KIND_TENSOR}

typedef struct mote_string {
    const char *data; /* not NUL-terminated */
    size_t length;
} mote_string;

/* Describes caller memory as a contiguous tensor. Returns MOTE_OK, MOTE_E_ARGUMENT or MOTE_E_SHAPE (negative or too large). */
MOTE_API mote_status mote_tensor_describe(mote_tensor *tensor, mote_dtype dtype, int32_t rank, const int64_t *shape, void *data);
/* Describes a sequence or optional (kind) of n elements in items. Returns MOTE_OK or MOTE_E_ARGUMENT (a tensor; two elements in an optional). */
MOTE_API mote_status mote_tensor_describe_items(mote_tensor *tensor, mote_kind kind, size_t n, mote_tensor *items);
/* The tensor's first element in host memory; of a sequence or optional its elements, as mote_tensor. Valid until the session prepares, runs or is destroyed. */
MOTE_API void *mote_tensor_map(const mote_tensor *tensor);
/* Number of elements. */
MOTE_API int64_t mote_tensor_count(const mote_tensor *tensor);

/* ---- compiled models ------------------------------------------------------------------------------------------- */

/* A compiled model is a file for one family of machines: the graph as this library runs it and the weights as its kernels read them, mapped and never
 * copied, so that loading takes milliseconds. The functions above take it where they take ONNX; the bits of the results are the same. It is made for one
 * version of the library; what loads it with another, or on another family of machines, gets MOTE_E_UNSUPPORTED and makes it again. */
typedef struct mote_compile_options {
    size_t struct_size;
    const char *family;            /* of machines, see mote_cpu_family; NULL: this one's */
    const mote_tensor *shapes;     /* of the inputs, as mote_session_prepare takes them, to plan and pack for; NULL: 1 for every open size */
    size_t shape_count;
    bool keep_weights;             /* also as they were, for inputs whose shapes want them packed otherwise (an error that says so without this) */
    const mote_load_options *load; /* for reading the model: passes, limits, operators; providers other than cpu are refused. NULL: the defaults */
} mote_compile_options;
#define MOTE_COMPILE_OPTIONS_INIT {sizeof(mote_compile_options), NULL, NULL, 0, false, NULL}

/* Compiles the ONNX file at `path` into the file `out`, which appears whole or not at all. When `out` already is what would be written (made of the same bytes
 * with the same options by this version for the family), nothing is done, so that an application may call this whenever it starts with a new model; what
 * else is there is replaced. Takes the packed weights' size in memory. Returns what loading and preparing return, and MOTE_E_IO. Thread-safe. */
MOTE_API mote_status mote_model_compile(const char *path, const char *out, const mote_compile_options *options, mote_diag *diag);
/* The family of this machine, using no other features than those of cpu_mask (0: all): "x86-64-avx2", "arm64". Static. */
MOTE_API const char *mote_cpu_family(uint32_t cpu_mask);

/* ---- session ------------------------------------------------------------------------------------------------- */

typedef struct mote_session mote_session;

/* One step of the profile. Times in nanoseconds since the run began. */
typedef struct mote_profile_event {
    const char *name;   /* the node */
    const char *op;
    const char *kernel; /* what ran it: a kernel's name, "reference", a provider's name */
    uint64_t start_ns, end_ns;
    unsigned depth;     /* 0: the main graph; more inside If, Loop, Scan */
} mote_profile_event;
typedef void (*mote_profile_fn)(void *ctx, const mote_profile_event *event);

/* Sees the model's inputs and every tensor that a run makes, as soon as it is made; for comparison and calibration. */
typedef void (*mote_tap_fn)(void *ctx, const char *name, const mote_tensor *tensor);

typedef struct mote_session_options {
    size_t struct_size;
    mote_threadpool *threadpool; /* borrowed; NULL: the session makes its own with `threads` */
    unsigned threads;            /* 0: the default of mote_threadpool_create; 1: no threads are made */
    size_t memory_limit;         /* bytes that this session may take from the model's allocator; 0: none */
    uint64_t step_limit;         /* operator executions in one run, those in loops counted each time; 0: 100 million */
    mote_profile_fn profile;     /* NULL: none */
    void *profile_ctx;
    mote_tap_fn tap;             /* NULL: none. With a tap, buffers are not shared and fusions that the caller left on still hold */
    void *tap_ctx;
    uint64_t random_seed;        /* of random operators that have no seed: other numbers in each run; all over again in a new session with the same seed */
} mote_session_options;
#define MOTE_SESSION_OPTIONS_INIT {sizeof(mote_session_options), NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 0}

/* A session plans at once when every input has a fixed shape; otherwise prepare or the first run does. Returns MOTE_OK,
 * MOTE_E_ARGUMENT, MOTE_E_MEMORY, MOTE_E_LIMIT, MOTE_E_IO (threads) and what planning returns. Thread-safe. */
MOTE_API mote_status mote_session_create(mote_model *model, const mote_session_options *options, mote_session **out, mote_diag *diag);
MOTE_API void mote_session_destroy(mote_session **session);

/* Plans for these input shapes: `shapes` has one tensor description per model input, in order (dtype and shape are read; an
 * optional input that is not given has dtype NONE). A plan that was made before is found again; the eight used last are kept. After
 * it, input tensors have these shapes and memory; inputs of another size and, when a shape changed, outputs are bound to the caller's
 * memory no longer. A failure leaves things as they were (after MOTE_E_MEMORY and MOTE_E_LIMIT there may be no plan). Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_BUSY, MOTE_E_MEMORY, MOTE_E_LIMIT, MOTE_E_SHAPE, MOTE_E_DTYPE,
 * MOTE_E_VALUE, MOTE_E_UNSUPPORTED. */
MOTE_API mote_status mote_session_prepare(mote_session *session, const mote_tensor *shapes, size_t count, mote_diag *diag);

/* The session's tensors: owned by it, valid until it is destroyed; their shape and memory change with prepare, bind and (for outputs
 * whose size depends on data) run. NULL when index is out of range. An input's memory may be written at any time between runs; it
 * keeps its contents over runs. */
MOTE_API mote_tensor *mote_session_input(mote_session *session, size_t index);
MOTE_API const mote_tensor *mote_session_output(mote_session *session, size_t index);

/* Lets the session read input `index` from, or write output `index` to, the caller's memory, until bound again (NULL: back to its own).
 * Binding an input of another shape prepares for it. An output's memory must hold the output; outputs of data-dependent size are
 * refused with MOTE_E_UNSUPPORTED. An input that is a sequence or optional has no memory of its own: its elements are bound (the list is copied, the elements'
 * memory is the caller's) before it runs. */
MOTE_API mote_status mote_session_bind_input(mote_session *session, size_t index, const mote_tensor *tensor, mote_diag *diag);
MOTE_API mote_status mote_session_bind_output(mote_session *session, size_t index, const mote_tensor *tensor, mote_diag *diag);

typedef struct mote_run_options {
    size_t struct_size;
    uint64_t step_limit; /* 0: the session's */
} mote_run_options;
#define MOTE_RUN_OPTIONS_INIT {sizeof(mote_run_options), 0}

/* Runs once. On prepared shapes it allocates nothing, except for outputs whose size depends on data. Returns MOTE_OK,
 * MOTE_E_BUSY, MOTE_E_CANCELLED, MOTE_E_LIMIT, MOTE_E_VALUE (an index out of bounds, ...), MOTE_E_PROVIDER; where shapes depend on
 * data also MOTE_E_MEMORY and MOTE_E_SHAPE; what a custom operator's functions returned; and what prepare returns when no plan was made. After a failure outputs are unspecified and the
 * session can run again. */
MOTE_API mote_status mote_session_run(mote_session *session, const mote_run_options *options, mote_diag *diag);
/* Makes the run in progress end soon with MOTE_E_CANCELLED; without one, does nothing. From any thread, or a signal handler. */
MOTE_API void mote_session_cancel(mote_session *session);

typedef struct mote_memory_info {
    size_t struct_size;
    size_t model_bytes;   /* taken from the allocator by the model: graph, packed weights */
    size_t mapped_bytes;  /* of the model's files, mapped */
    size_t arena_bytes;   /* the current plan's tensors */
    size_t session_bytes; /* taken from the allocator by the session in all, the arena included */
    size_t dynamic_bytes; /* of that, for outputs whose size depends on data */
} mote_memory_info;
#define MOTE_MEMORY_INFO_INIT {sizeof(mote_memory_info), 0, 0, 0, 0, 0}
MOTE_API mote_status mote_session_memory(const mote_session *session, mote_memory_info *info);

/* ---- providers ----------------------------------------------------------------------------------------------- */

/* Loads an execution-provider plug-in (see mote_provider.h) from a shared library; its name can then stand in
 * mote_load_options.providers. Never called on behalf of a model file. Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_IO, MOTE_E_PROVIDER. */
MOTE_API mote_status mote_provider_load(const char *library_path, mote_diag *diag);

/* The CPU features that kernels may use, as the bits of mote_load_options.cpu_mask, and their names ("avx2"); NULL for no feature. */
MOTE_API uint32_t mote_cpu_available(void);
MOTE_API const char *mote_cpu_name(uint32_t bit);

#ifdef __cplusplus
}
#endif
#endif
