/* ml.h - what the operators of ai.onnx.ml share: lists of numbers or strings, categories, scores
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_ML_H
#define MOTE_OPS_ML_H

#include "ops/types.h"
#include "ops/wide.h"

#define MOTE_T_ML (MOTE_DT(F32) | MOTE_DT(F64) | MOTE_DT(S64) | MOTE_DT(S32))

/* A list that an attribute or a tensor holds; any alignment. data NULL: there is none. */
typedef struct mote_ml_list {
    mote_dtype dtype; /* F32, S64, STRING, or a tensor's */
    size_t n;
    const void *data;
    bool views;       /* strings are mote_str, not mote_string */
} mote_ml_list;

/* The one of the attributes PREFIXstrings, PREFIXint64s, PREFIXfloats, PREFIXtensor that is there (NULL: not looked for). MOTE_E_MODEL when there
 * are two. */
typedef struct mote_ml_names {
    const char *strings, *ints, *floats, *tensor;
} mote_ml_names;
mote_status mote_ml_list_of(const mote_node *n, const mote_ml_names *names, mote_ml_list *out, mote_diag *diag);
mote_ml_list mote_ml_list_array(const mote_array *a);
mote_str mote_ml_string(const mote_ml_list *l, size_t i);
/* to's element k (NUMBER or STRING, of the list's type) = element i. Strings are borrowed: mote_eval_own_strings afterwards. */
void mote_ml_copy(const mote_ml_list *l, size_t i, mote_array *to, size_t k);

/* Elements among keys. Of equal keys the last counts; NaN equals NaN. */
typedef struct mote_ml_finder {
    mote_ml_list keys;
    size_t *slots, mask;  /* slots NULL: few are asked for, the keys are looked through */
    mote_hash_key seed;
} mote_ml_finder;
/* asked: how many will be looked for. */
mote_status mote_ml_finder_init(mote_ml_finder *f, mote_arena *temp, const mote_ml_list *keys, size_t asked, mote_diag *diag);
/* keys.n: not found. l is of the keys' type. */
size_t mote_ml_find(const mote_ml_finder *f, const mote_ml_list *l, size_t i);

/* LabelEncoder, CategoryMapper: the value behind each key. */
typedef struct mote_ml_mapping {
    mote_ml_finder finder;
    mote_ml_list values, absent; /* absent: one, of what is not found; in `memory` unless an attribute has it */
    union {
        mote_str s;
        int64_t s64;
        int32_t s32;
        int16_t s16;
        float f32;
        double f64;
    } memory;
} mote_ml_mapping;
/* m stays where it is. temp: memory of the table. asked: as mote_ml_finder_init. */
mote_status mote_ml_mapping_of(const mote_node *n, mote_dtype x, mote_arena *temp, size_t asked, mote_ml_mapping *m, mote_diag *diag);
/* Elements [begin, end). Strings of y are borrowed. */
void mote_ml_map(const mote_ml_mapping *m, const mote_array *x, mote_array *y, size_t begin, size_t end);
/* OneHotEncoder: the categories. */
mote_status mote_ml_categories_of(const mote_node *n, mote_dtype x, mote_ml_list *out, mote_diag *diag);
/* Elements [begin, end) as rows of f->keys.n. MOTE_E_VALUE: not found, and zeros is false. */
mote_status mote_ml_one_hot(const mote_ml_finder *f, const mote_array *x, float *y, bool zeros, size_t begin, size_t end, mote_diag *diag);

/* ---- scores ---- */

typedef enum mote_ml_post { MOTE_ML_NONE, MOTE_ML_SOFTMAX, MOTE_ML_LOGISTIC, MOTE_ML_SOFTMAX_ZERO, MOTE_ML_PROBIT } mote_ml_post;
mote_status mote_ml_post_of(const mote_node *n, mote_ml_post *post, mote_diag *diag);
/* In place, one row of n scores. SOFTMAX_ZERO: as SOFTMAX over the scores that are not 0, which stay 0. PROBIT: sqrt 2 erfinv(2 x - 1). */
void mote_ml_transform(mote_ml_post post, float *x, size_t n);
void mote_ml_transform_f64(mote_ml_post post, double *x, size_t n);

/* X[n, f], or X[f] as one row. */
mote_status mote_ml_matrix(const mote_array *x, size_t *rows, size_t *columns, mote_diag *diag);

#endif
