package dev.entrepot.oci.client.cloud;

import java.util.Optional;

/**
 * Keys that requests to AWS are signed with.
 *
 * @param accessKeyId which keys
 * @param secretAccessKey the secret, never sent
 * @param sessionToken for keys that are lent
 */
record AwsKeys(String accessKeyId, String secretAccessKey, Optional<String> sessionToken) {
    @Override
    public String toString() {
        return "AwsKeys[" + accessKeyId + "]";
    }
}
