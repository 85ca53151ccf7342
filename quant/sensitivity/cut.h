/* cut.h - the part of a model that one layer can change, fed with what comes into it
 * SPDX-License-Identifier: Apache-2.0
 *
 * When a single layer is not as in the original, what does not come after it is as it was: its values can be kept, and only the rest be run. */
#ifndef MOTE_QUANT_SENSITIVITY_CUT_H
#define MOTE_QUANT_SENSITIVITY_CUT_H

#include "quant/quantizer.h"

#define MOTE_CUT_PREFIX "mote_cut:" /* names of the inputs that take kept values: this and the value's */

typedef struct mote_cut {
    mote_str *names; /* of the values that come in, the model's inputs not among them */
    size_t n;
    bool usable;     /* false: an output does not come after the layer, nodes have subgraphs, or it would not pay: the whole model is run */
} mote_cut;

/* For a layer of a quantizer with variants, after its rounds; in its arena. */
mote_status mote_cut_find(mote_quantizer *q, size_t layer, mote_cut *out, mote_diag *diag);

/* mote_quantizer_variant of what comes after a cut; bytes are those of the whole. The recipe may differ from float32 in that layer only. */
mote_status mote_cut_variant(mote_quantizer *q, const char *recipe, const mote_cut *cut, const mote_load_options *load, mote_model **out, size_t *bytes,
                             mote_diag *diag);
/* mote_quantizer_variant with further outputs, of these names. */
mote_status mote_cut_outputs(mote_quantizer *q, const char *recipe, const mote_str *names, size_t n, const mote_load_options *load, mote_model **out, mote_diag *diag);

#endif
