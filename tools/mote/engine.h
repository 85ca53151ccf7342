/* engine.h - what the commands share: opening a model with the common options, feeding it, reporting
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_ENGINE_H
#define MOTE_TOOL_ENGINE_H

#include "npy.h"
#include "options.h"
#include <jansson.h>
#include <mote/mote.h>

enum { INPUT_LIMIT = 2147483647 }; /* bytes of input files in memory */

typedef struct engine_options {
    uint64_t threads, memory_limit, step_limit, random_seed;
    const char *cpu, *disable, *providers;
    option_list plugins;
    bool reference, copy;
    mote_profile_fn profile;
    void *profile_ctx;
    mote_tap_fn tap;
    void *tap_ctx;
    const char *stop_after, *precision;
    bool keep_optional;
} engine_options;

#define ENGINE_OPTIONS(type)                                                                                           \
    {"threads", OPTION_COUNT, offsetof(type, engine.threads), "N", "threads to run on; 0, the default: one a physical core, at most 4"},             \
    {"memory-limit", OPTION_SIZE, offsetof(type, engine.memory_limit), "SIZE", "bytes that the model, and again the session, may take (\"64MB\")"},  \
    {"step-limit", OPTION_COUNT, offsetof(type, engine.step_limit), "N", "operator executions allowed in one run"},                                  \
    {"random-seed", OPTION_COUNT, offsetof(type, engine.random_seed), "N", "of random operators that have no seed of their own; 0 by default"},      \
    {"cpu", OPTION_TEXT, offsetof(type, engine.cpu), "LIST", "CPU features that kernels may use, of those there are: \"avx2\", \"none\""},           \
    {"precision", OPTION_TEXT, offsetof(type, engine.precision), "WORD", "what products of float32 weights compute in: f32 (default), or bf16 where the CPU has it"}, \
    {"disable-passes", OPTION_TEXT, offsetof(type, engine.disable), "LIST", "passes to leave out, or \"all\""},                                     \
    {"provider", OPTION_TEXT, offsetof(type, engine.providers), "LIST", "execution providers in order of preference, \"cpu\" by default"},           \
    {"plugin", OPTION_LIST, offsetof(type, engine.plugins), "FILE", "a provider plug-in to load first; may be given many times"},                    \
    {"reference", OPTION_FLAG, offsetof(type, engine.reference), NULL, "run every operator by its reference evaluation (slow, for comparison)"}

typedef struct engine {
    mote_model *model;
    mote_session *session;
    double load_ms; /* model and session */
    const char *path; /* what it was opened from and with, for engine_admit */
    engine_options options;
} engine;

/* Opens model and session. On failure reports nothing: see tool_fail. */
mote_status engine_open(engine *e, const char *path, const engine_options *o, mote_diag *diag);
/* The same with a model that is loaded already; it belongs to the engine, also on failure. */
mote_status engine_open_model(engine *e, mote_model *model, const engine_options *o, mote_diag *diag);
mote_status engine_load(engine *e, const char *path, const engine_options *o, mote_diag *diag); /* the model alone */
/* The load options; provider names are kept in `room`, which outlives them. */
typedef struct engine_providers {
    const char *names[9];
    char text[256];
} engine_providers;
mote_status engine_load_options(const engine_options *o, engine_providers *room, mote_load_options *load, mote_diag *diag);
mote_status engine_load_memory(engine *e, const void *bytes, size_t n, const engine_options *o, mote_diag *diag); /* bytes stay the caller's */
void engine_close(engine *e);
/* When one of the arrays is named as an input that has a default (an initializer that may be overridden), opens the engine again with such inputs kept;
 * without one the defaults stay folded into the model. Only the names are looked at. Anything made from the model before is gone; on failure the engine is closed. */
mote_status engine_admit(engine *e, const named_arrays *in, mote_diag *diag);

/* Prepares for these arrays, found by input name (or, when there is one unnamed array and one input, that), converts nothing, and copies them into
 * the session's inputs. Arrays that no input has, and inputs that no array has, are errors that name them. */
mote_status engine_feed(engine *e, const named_arrays *inputs, mote_diag *diag);
/* What the session's inputs hold, by name, without those that have defaults; names and values borrowed until it is shaped anew, out->items the caller's to free. */
mote_status engine_inputs(const engine *e, named_arrays *out, mote_diag *diag);
/* Shapes the inputs from declared shapes with symbols replaced by "N=1,L=128" (1 where nothing says) and fills them: normal numbers, small
 * integers, seeded by `seed`. `dims` may also name dimensions of `other` (NULL: of none); what it names else, or twice, or gives no size to, is
 * MOTE_E_ARGUMENT with the names that there are. */
mote_status engine_shapes(const mote_model *m, const char *dims, const mote_model *other, mote_array *shapes, mote_diag *diag); /* those shapes alone */
mote_status engine_feed_random(engine *e, const char *dims, const mote_model *other, uint64_t seed, mote_diag *diag);
/* The tensors of the outputs, in order: those in a sequence are named after it with their places ("s[0]"), that of an optional as it is. */
enum { ENGINE_NAME = 1024 };
size_t engine_output_count(const engine *e);
mote_array engine_output(const engine *e, size_t i);
const char *engine_output_name(const engine *e, size_t i, char name[ENGINE_NAME]);
mote_status engine_save_outputs(const engine *e, const char *path, bool overwrite, mote_diag *diag);

double clock_ms(void);
double peak_rss_mb(void);

/* Reports a failure on stderr as text, or with `json` on stdout as {"schema":"mote.error/1",...}; gives the exit code. `what`
 * is the file at fault; as text it is not repeated before a message that begins with it. */
int tool_fail(bool json, const char *what, mote_status status, const mote_diag *diag);
int tool_usage(const command *c, const char *why);
/* Prints a document and releases it. */
int tool_print_json(json_t *document);
json_t *json_shape(const mote_tensor *t);
json_t *json_double(double x); /* null for NaN and infinities, which JSON cannot say */

/* Set by Ctrl-C. */
extern volatile int tool_interrupted;
void tool_watch_session(mote_session *session); /* Ctrl-C cancels this one; NULL: none */

#endif
