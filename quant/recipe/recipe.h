/* recipe.h - precision by layer: what a recipe says of each node
 * SPDX-License-Identifier: Apache-2.0
 *
 *     {"schema": "mote.recipe/1", "default": "int8",
 *      "rules": [{"op": "LSTM", "precision": "f16"}, {"node": "head*", "precision": "f32"}, {"node": "tail", "as": "head"}]}
 *
 * The first rule that matches a node decides. docs/mixed-precision.md has the whole of it. */
#ifndef MOTE_QUANT_RECIPE_H
#define MOTE_QUANT_RECIPE_H

#include "graph/graph.h"
#include <mote/mote_quant.h>

typedef enum mote_precision {
    MOTE_PRECISION_F32,
    MOTE_PRECISION_F16,
    MOTE_PRECISION_INT8,         /* static: ranges from samples */
    MOTE_PRECISION_INT8_DYNAMIC,
    MOTE_PRECISION_WEIGHTS_INT8, /* weights alone, arithmetic in float */
    MOTE_PRECISION_WEIGHTS_INT4,
    MOTE_PRECISION_WEIGHTS_F16,
} mote_precision;
enum { MOTE_PRECISIONS = 7 };
extern const char *const mote_precision_names[MOTE_PRECISIONS];

/* How one node computes. */
typedef struct mote_plan {
    mote_precision precision;
    mote_dtype activations; /* INT8: U8, S8, U16 or S16 */
    bool per_tensor;        /* INT8, INT8_DYNAMIC: one scale for the weight */
    uint32_t block;         /* WEIGHTS_...: weights that share a scale */
    bool ruled;             /* a rule says so, not the default */
} mote_plan;

typedef struct mote_rule {
    mote_str node, op; /* patterns, '*' stands for anything; .p NULL: any */
    mote_str as;       /* the node whose plan it takes; .p NULL: `plan` */
    mote_plan plan;
    uint32_t line;
} mote_rule;

typedef struct mote_recipe {
    mote_plan others; /* of nodes that no rule matches */
    mote_rule *rules;
    size_t n;
} mote_recipe;

enum { MOTE_RECIPE_MAX_RULES = 10000, MOTE_RECIPE_MAX_PATTERN = 1000 }; /* what matching may take is their product with the model's names */

/* The text, in the arena. `usual` has what a rule leaves out. MOTE_E_FORMAT with the line for a text that is no recipe: unknown keys and precisions among it; MOTE_E_LIMIT. */
mote_status mote_recipe_parse(mote_arena *arena, mote_str text, const mote_plan *usual, mote_recipe **out, mote_diag *diag);
/* The plan of each node of the graph, by id, `n` of them; nodes without a rule get `others`. MOTE_E_ARGUMENT: a rule that decides about no node (none matches, or
 * earlier rules match all that it does), an `as` that names no node or several, rules that refer to each other in a circle. */
mote_status mote_recipe_resolve(const mote_recipe *r, mote_arena *arena, const mote_graph *g, uint32_t n, mote_plan **out, mote_diag *diag);
/* Whether a pattern matches a whole text. In time of their lengths' product. */
bool mote_pattern_matches(mote_str pattern, mote_str text);

#endif
