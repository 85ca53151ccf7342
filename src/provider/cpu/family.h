/* family.h - machine families: machines that pack weights alike, so that one compiled model serves them all
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_FAMILY_H
#define MOTE_PROVIDER_CPU_FAMILY_H

#include "base/diag.h"

/* The family of a machine with these features (base/cpu.h): "x86-64-avx2". Static. */
const char *mote_family_of(uint32_t cpu);
/* The features to pack with for a family on a machine with the features `here`. MOTE_E_ARGUMENT: no such family (the message lists them);
 * MOTE_E_UNSUPPORTED: this machine cannot pack for it. */
mote_status mote_family_features(const char *family, uint32_t here, uint32_t *cpu, mote_diag *diag);

/* Whether products in bfloat16 (kernels/gemm/gemm_bf16.h) have a kernel for these features. */
bool mote_family_has_bf16(uint32_t cpu);

#endif
