/* bad_size.c - a plug-in that must be refused: its struct is of an interface that has less
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    static const mote_provider provider = {.struct_size = 16, .abi = MOTE_PROVIDER_ABI, .name = "small"};
    (void)abi;
    return &provider;
}
