/* frame.h - one graph planned for given input shapes: slots, steps, memory; and its execution
 * SPDX-License-Identifier: Apache-2.0
 *
 * A frame belongs to a session. Every value of its graph has a slot: a constant, a static tensor with a place in the frame's arena, or a dynamic
 * one whose shape is known only at run and whose memory is kept in the session's heap. Subgraphs of control flow get frames of their own,
 * children of the frame that holds the node; they read captured values from the slots of the frames around them. */
#ifndef MOTE_SESSION_FRAME_H
#define MOTE_SESSION_FRAME_H

#include "plan/memory.h"
#include "provider/cpu/lower.h"
#include "session/model.h"
#include "session/temp_heap.h"
#include "session/values.h"

typedef struct mote_frame mote_frame;
typedef struct mote_slot mote_slot;
typedef struct mote_frame_step mote_frame_step;

typedef enum mote_slot_state {
    MOTE_SLOT_NONE,
    MOTE_SLOT_CONST,   /* data fixed for the frame's life */
    MOTE_SLOT_STATIC,  /* shape fixed, memory in buffer `buffer` */
    MOTE_SLOT_DYNAMIC, /* shape and memory made at run */
} mote_slot_state;

enum { MOTE_NO_BUFFER = 0xffffffffu };

struct mote_slot {
    mote_array array; /* first: a pointer to it is a pointer to the slot */
    mote_slot_state state;
    uint32_t buffer;
    uint32_t last_use;              /* step index; UINT32_MAX: beyond the run */
    mote_slot *same_buffer;         /* next slot of the same buffer */
    void *own;                      /* DYNAMIC: memory */
    size_t own_bytes;
    struct mote_chars *chars;       /* bytes of strings */
    const mote_value *value;        /* NULL: an output copy */
};

typedef struct mote_chars {
    struct mote_chars *next;
    size_t bytes; /* of the whole block */
} mote_chars;

/* The memory that a shifted state slides through. */
typedef struct mote_register {
    char *base;
    size_t bytes;
} mote_register;

struct mote_frame_step {
    mote_step step;                 /* first */
    mote_frame *frame;
    bool dynamic;                   /* shapes are inferred and kernels chosen at each change of shape */
    bool lowered;
    bool by_shape, by_value;        /* dynamic: shapes of inputs alone say the outputs' shapes; they do not */
    bool copy;                      /* an output copy: no node */
    void (*release)(const void *params);
    uint32_t step_unread, step_loose, step_gone; /* mote_lower.unread, loose, gone */
    mote_arena arena;               /* dynamic: what lowering left */
    mote_array *seen;               /* dynamic: shapes at the last lowering, inputs then outputs */
    mote_frame *children[2];        /* control flow: lists by slot, newest first */
    mote_register *registers;       /* Loop, Scan: by state */
    size_t n_registers;
};

struct mote_frame {
    mote_session *session;
    mote_graph *graph;
    mote_frame *parent;
    mote_frame *next;               /* in the cache that holds it */
    mote_arena arena;
    mote_array *key;                /* shapes of the inputs that it was planned for; dtype NONE: not given */
    mote_slot *slots;
    size_t n_slots;                 /* values of the graph, then output copies */
    mote_slot **outputs;
    mote_frame_step *steps;
    size_t n_steps;
    mote_buffer *buffers;
    mote_slot **buffer_slots;       /* first slot of each buffer */
    size_t n_buffers;
    char *memory;
    size_t memory_bytes, arena_bytes, scratch_bytes;
    char *scratch;
    uint64_t turn;                  /* mote_eval.turn of the run in progress */
    bool used;                      /* for eviction */
    size_t *slides;                 /* of the body of a Loop or Scan, by state: bytes by which it slides; 0: it does not. NULL: none does */
};

struct mote_session {
    mote_heap heap;                 /* counts the session's bytes; through the model's allocator */
    mote_temp_heap temp;            /* temporaries of reference evaluation, kept between runs */
    mote_model *model;
    mote_pool *pool;
    bool own_pool;
    mote_profile_fn profile;
    void *profile_ctx;
    mote_tap_fn tap;
    void *tap_ctx;
    uint64_t step_limit, limit, steps;
    uint64_t random_seed, runs;     /* of the session; runs begun */
    uint64_t run_seed, turns;       /* of the run: mote_eval.random_seed; graphs begun */
    uint64_t start_ns;
    unsigned depth;
    _Atomic int use;                /* a mote_session_use: one word, so that a cancel belongs to one run */
    mote_frame *frames;             /* plans of the main graph, most recent first */
    size_t n_frames;
    mote_frame *current;
    mote_tensor *inputs, *outputs;
    void **bound_inputs, **bound_outputs; /* caller's memory, or NULL */
    bool *given;                    /* optional inputs that the caller bound */
    mote_bound_value **values;      /* by input: of those that are not tensors; NULL: nothing is bound */
    mote_arena shown;               /* lists of the outputs that are not tensors */
    size_t n_inputs, n_outputs;
    void *dynamic_scratch;
    size_t dynamic_scratch_bytes;
    size_t dynamic_bytes;
};

typedef enum mote_session_use { MOTE_SESSION_FREE, MOTE_SESSION_IN_USE, MOTE_SESSION_RUNNING, MOTE_SESSION_CANCELLED } mote_session_use;
MOTE_INLINE bool mote_session_cancelled(mote_session *s) { return atomic_load_explicit(&s->use, memory_order_relaxed) == MOTE_SESSION_CANCELLED; }

/* Plans `graph` for inputs of these shapes (data is not read; dtype NONE: an optional input left to its default). */
mote_status mote_frame_create(mote_session *s, mote_graph *graph, mote_frame *parent, const mote_array *inputs, mote_frame **out,
                              mote_diag *diag);
void mote_frame_destroy(mote_frame **frame);
/* Whether a frame was planned for these shapes. */
bool mote_frame_matches(const mote_frame *f, const mote_array *inputs);
/* The slot of a value defined in this frame's graph or one around it. */
mote_slot *mote_frame_slot(mote_frame *f, const mote_value *v);
/* Points every slot of a slot's buffer at `data`; NULL: back into the arena. */
void mote_frame_bind(mote_frame *f, mote_slot *slot, void *data);
mote_status mote_frame_run(mote_frame *f, mote_diag *diag);

/* frame_infer.c: types of a node's outputs from the slots of its inputs. *known: every output's shape is fixed and of tensor kind. */
mote_status mote_frame_infer(mote_frame *f, const mote_node *node, mote_array *const *in, uint32_t n_in, bool runtime, mote_array *out, bool *known,
                             mote_arena *scratch, mote_diag *diag);
/* frame_lower.c: chooses the kernel of a step whose slots are shaped; run stays NULL when only the reference has it. */
mote_status mote_frame_lower(mote_frame *f, mote_frame_step *s, mote_arena *arena, uint32_t *inplace, mote_diag *diag);
/* frame_eval.c: the step function that runs the reference evaluation. */
mote_status mote_frame_reference(const mote_step *step, mote_exec *x);
/* What the profile calls it: "custom" where the application computes. */
MOTE_INLINE const char *mote_frame_reference_name(const mote_node *n)
{
    return n != NULL && n->def != NULL && (n->def->flags & MOTE_OP_CUSTOM) != 0 ? "custom" : "reference";
}
mote_status mote_frame_copy_step(const mote_step *step, mote_exec *x);
/* Memory and shape for a dynamic slot; a static one is checked instead. */
mote_status mote_slot_output(mote_frame *f, mote_slot *slot, mote_dtype dtype, int32_t rank, const int64_t *dims, mote_diag *diag);
void mote_slot_release(mote_session *s, mote_slot *slot);

/* frame_slide.c: finds states that only a Shift makes anew; before an iteration, once the inputs are bound, gives their next values their place. */
mote_status mote_frame_find_slides(mote_frame *f, mote_diag *diag);
mote_status mote_frame_slide(mote_frame_step *step, mote_frame *f, mote_diag *diag);
void mote_frame_release_slides(mote_session *s, mote_frame_step *step);

#endif
