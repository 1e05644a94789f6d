package com.microsoft.aad.msal4j;

import java.util.Map;

/**
 * Environment variables for Microsoft's library, which a JVM cannot set: only its own package can hand it others. For
 * one test at a time.
 */
public final class MachineVariables {
    private MachineVariables() {}

    /** From now on the library sees these, and no others. */
    public static void use(Map<String, String> variables) {
        ManagedIdentityApplication.setEnvironmentVariables(variables::get);
    }

    /** From now on the library sees those of the process. */
    public static void reset() {
        ManagedIdentityApplication.setEnvironmentVariables(null);
    }
}
