package dev.entrepot.oci.client;

import java.util.Optional;

/**
 * Where something would be asked for: a mirror, or the registry itself.
 *
 * @param name how it is called
 * @param isMirror whether it is a mirror
 * @param notAsked why it would not be asked now, if it would not
 */
public record Place(String name, boolean isMirror, Optional<String> notAsked) {}
