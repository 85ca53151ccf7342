/* bad_functions.c - a plug-in that must be refused: functions are missing
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>

static mote_status probe(void *ctx, mote_provider_caps *caps, char *message, size_t cap)
{
    (void)ctx, (void)caps, (void)message, (void)cap;
    return MOTE_OK;
}

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    static const mote_provider provider = {.struct_size = sizeof provider, .abi = MOTE_PROVIDER_ABI, .name = "half", .probe = probe};
    (void)abi;
    return &provider;
}
