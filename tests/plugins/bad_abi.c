/* bad_abi.c - a plug-in that must be refused: it serves another version of the interface
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    static const mote_provider provider = {.struct_size = sizeof provider, .abi = MOTE_PROVIDER_ABI + 1, .name = "later"};
    (void)abi;
    return &provider;
}
