/* lower.h - how the CPU provider turns one node into one step: a function on raw tensors with everything chosen beforehand
 * SPDX-License-Identifier: Apache-2.0
 *
 * A lowering is one line MOTE_LOWER(domain, Op, function) in a src/provider/cpu/cpu_*.c file. tools/gen/lower_table.sh collects these lines into
 * src/provider/cpu/lower_table.inc (committed; compared in CI). At planning, the function sees the node with its shapes and constants, chooses
 * kernels, packs constant weights once for the model, says how much scratch it wants, and leaves a run function with its parameters. At run, that
 * function gets the tensors' memory, a pool and the scratch: it allocates nothing. A node that no lowering takes runs by its reference
 * evaluation, and the profile says so. */
#ifndef MOTE_PROVIDER_CPU_LOWER_H
#define MOTE_PROVIDER_CPU_LOWER_H

#include "base/arena.h"
#include "base/diag.h"
#include "graph/graph.h"
#include "ops/op.h"
#include "tensor/array.h"
#include "thread/pool.h"

typedef struct mote_step mote_step;
typedef struct mote_lower mote_lower;
typedef struct mote_exec mote_exec;
typedef struct mote_packs mote_packs;

/* What a step gets at run. */
struct mote_exec {
    mote_pool *pool;        /* may be NULL: one thread */
    void *scratch;          /* 64-byte aligned, at least the step's scratch_bytes, contents undefined */
    size_t scratch_bytes;
    mote_diag *diag;        /* may be NULL */
    mote_heap *heap;        /* the session's: for reference evaluation only */
    void *frame;            /* the executor's */
};

typedef mote_status (*mote_step_fn)(const mote_step *step, mote_exec *x);

/* Immutable while running, except that the executor sets the slots' data. */
struct mote_step {
    mote_step_fn run;
    const void *params;           /* what the lowering left, in the plan's arena */
    const char *kernel;           /* for the profile: a static string */
    const mote_node *node;
    uint32_t n_in, n_out;
    mote_array *const *in;        /* NULL: omitted. in[i]->data: readable, aligned for its type */
    mote_array *const *out;       /* NULL: not used by anyone. out[i]->data: to be written fully */
    size_t scratch_bytes;
};

/* What a lowering sees and leaves. */
struct mote_lower {
    const mote_node *node;
    uint32_t n_in, n_out;
    const mote_array *const *in;    /* shapes; NULL: omitted. data only where value[i] is set */
    const mote_array *const *value; /* the input's value when it is fixed for the plan's life, else NULL. Aligned up to 4 KiB; a larger one
                                       may lie anywhere in the mapped file: packing reads it through mote_f32u and its like */
    uint32_t absent;                /* bit i: input i is fixed, but a compiled model has it only packed: value[i] and in[i]->data are NULL */
    const mote_array *const *out;   /* shapes; NULL: not used */
    uint32_t cpu;                   /* features that kernels may use (base/cpu.h) */
    bool bf16;                      /* products of constant weights may round both operands to bfloat16 (kernels/gemm/gemm_bf16.h) */
    unsigned workers;               /* of the pool */
    mote_pool *pool;                /* for packing; may be NULL */
    mote_arena *arena;              /* the plan's: for params */
    mote_packs *packs;              /* the model's */
    mote_heap *heap;                /* the session's */
    mote_diag *diag;
    /* results; run NULL on return with MOTE_OK: "not for me" (a shape or type without a fast path) */
    mote_step_fn run;
    const void *params;
    const char *kernel;
    size_t scratch_bytes;           /* for all workers together */
    void (*release)(const void *params); /* called once when the step goes; NULL: nothing to release */
    uint32_t unread;                /* bit i: run never reads input i's data (it was packed): the executor need not align or keep it */
    uint32_t gone;                  /* bit i: of input i's data nothing is read but by fills of mote_lower_pack: a compiled model need not have it */
    uint32_t loose;                 /* bit i: run copies from input i whatever its alignment is: a table in a mapped file stays there */
    uint32_t inplace;               /* bit i: output 0 may lie in input i's memory (same bytes; read before written, element by element) */
};

/* Whether input i is fixed for the plan's life; its data may be there for a fill alone (l->in[i]->data). */
MOTE_INLINE bool mote_lower_fixed(const mote_lower *l, uint32_t i) { return l->value[i] != NULL || (i < 32 && (l->absent >> i & 1u) != 0); }

typedef mote_status (*mote_lower_fn)(mote_lower *l);
#define MOTE_LOWER(domain, op, fn)                                                                                     \
    mote_status mote_lower_##domain##_##op(mote_lower *l);                                                             \
    mote_status mote_lower_##domain##_##op(mote_lower *l) { return fn(l); }

/* The lowering of an operator, or NULL. domain as in op.h (mote_op_def.domain). */
mote_lower_fn mote_lower_find(const char *domain, const char *op);

/* Packed weights. Inputs[] names the node inputs that the packing reads; when all are constants of the model, the result is made once for the
 * model, found again by (their identities, variant), shared by all plans, sessions and threads; otherwise (fixed for this plan only) it lies in the
 * plan's arena. fill(ctx, dst) writes `bytes` (64-byte aligned, zeroed before). variant tells layouts apart: mix the kernel row's address or tile
 * and the options into it. */
typedef mote_status (*mote_pack_fill)(void *ctx, void *dst);
mote_status mote_lower_pack(mote_lower *l, const uint32_t *inputs, size_t n_inputs, uint64_t variant, size_t bytes, mote_pack_fill fill,
                            void *ctx, const void **out);

/* The shared result of packing these constants of the model (NULL: an omitted one): used for aligned copies of constants too. Thread-safe. */
mote_status mote_packs_get(mote_packs *packs, const mote_value *const *values, size_t n, uint64_t variant, size_t bytes, mote_pack_fill fill, void *ctx,
                           const void **out, mote_diag *diag);

/* Memory for params, in the plan's arena; MOTE_E_MEMORY with diag. */
mote_status mote_lower_params(mote_lower *l, size_t bytes, void **out);

/* Element types without alignment, for reading constants that lie in a mapped file. */
typedef float mote_f32u __attribute__((aligned(1), may_alias));
typedef int32_t mote_s32u __attribute__((aligned(1), may_alias));
typedef uint16_t mote_u16u __attribute__((aligned(1), may_alias));
typedef int64_t mote_s64u __attribute__((aligned(1), may_alias));

#endif
