/* variant.h - what variants need of the quantizer
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_RECIPE_VARIANT_H
#define MOTE_QUANT_RECIPE_VARIANT_H

#include "quant/quantizer.h"

/* quantizer.c */
/* The scale of a value that was observed under this name, quantized as k says. */
mote_status mote_quant_choose_scale(const mote_quantizer *q, const mote_value *v, const mote_qvalue *k, mote_scale *out, mote_diag *diag);
mote_status mote_quant_scale_from(const mote_quantizer *q, const mote_value *v, const mote_qvalue *k, const mote_observation *seen, mote_scale *out, mote_diag *diag);
mote_status mote_quant_retype(mote_module *m, mote_diag *diag);
/* The plan's transforms on the module. */
mote_status mote_quant_transform(mote_quantizer *q, mote_diag *diag);
/* A model of q->bytes, which the caller destroys before they change. */
mote_status mote_quant_load_bytes(mote_quantizer *q, const mote_load_options *load, mote_model **out, mote_diag *diag);
mote_status mote_quant_load(mote_quantizer *q, const void *bytes, size_t n, const mote_load_options *load, mote_model **out, mote_diag *diag);
void mote_quant_free_bytes(mote_quantizer *q);
/* mote_quantizer_variant with a last edit of its module, which *bytes does not count; edit NULL: none. */
mote_status mote_quant_edited(mote_quantizer *q, const char *recipe, mote_status (*edit)(void *ctx, mote_module *m, mote_diag *diag), void *ctx, const mote_load_options *load,
                              mote_model **out, size_t *bytes, mote_diag *diag);

#endif
