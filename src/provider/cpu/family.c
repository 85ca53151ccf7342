/* family.c - the families of compiled models
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/family.h"
#include "base/cpu.h"
#include "kernels/gemm/gemm_bf16.h"
#include <stdio.h>
#include <string.h>

/* Best first: a machine is of the first family whose features it has. Rows that differ in how a kernel that needs them packs (the panels of kernels/gemm
 * and kernels/igemm) are different families; a kernel that packs another way needs a row. plain: packs as the kernels in C do, which every machine can. */
static const struct {
    const char *name;
    uint32_t features;
    bool plain;
} families[] = {
    {"x86-64-vnni", MOTE_CPU_AVX512 | MOTE_CPU_AVX512VNNI, false},
    {"x86-64-avx512", MOTE_CPU_AVX512, false},
    {"x86-64-avx2", MOTE_CPU_AVX2, true},
    {"arm64", MOTE_CPU_NEON, true},
    {"plain", MOTE_CPU_NONE, true},
};

const char *mote_family_of(uint32_t cpu)
{
    size_t i = 0;
    while ((cpu & families[i].features) != families[i].features)
        i++;
    return families[i].name;
}

mote_status mote_family_features(const char *family, uint32_t here, uint32_t *cpu, mote_diag *diag)
{
    char names[128] = "";
    for (size_t i = 0, n = 0; i < sizeof families / sizeof *families; i++) {
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i == 0 ? "" : ", ", families[i].name);
        if (strcmp(families[i].name, family) != 0)
            continue;
        const bool able = (here & families[i].features) == families[i].features;
        MOTE_REQUIRE(able || families[i].plain, diag, MOTE_E_UNSUPPORTED, "only a machine of the family %s packs for it: this one is %s", family,
                     mote_family_of(here));
        *cpu = able ? families[i].features : MOTE_CPU_NONE;
        return MOTE_OK;
    }
    MOTE_FAIL(diag, MOTE_E_ARGUMENT, "no machine family '%s': expected one of %s", family, names);
}

bool mote_family_has_bf16(uint32_t cpu) { return mote_gemm_bf16_select(cpu, 1, SIZE_MAX, 1) != NULL; }
