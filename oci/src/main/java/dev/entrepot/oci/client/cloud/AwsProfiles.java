package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.Program;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The profiles of AWS's shared files, {@code ~/.aws/config} and {@code ~/.aws/credentials}: roles over another profile
 * or over what the machine gives, web identity, the logins of IAM Identity Center, keys, {@code credential_process}; in
 * that order within a profile.
 */
final class AwsProfiles {
    private static final int DEEPEST = 5;
    private static final Duration LONGEST_RUN = Duration.ofSeconds(10);

    /** Gives the keys of what {@code credential_source} names. */
    @FunctionalInterface
    interface NamedSource {
        /** The keys. */
        AwsKeys keys(String source) throws IOException;
    }

    private final Map<String, String> variables;
    private final AwsSts sts;
    private final AwsSso sso;
    private final NamedSource sources;

    AwsProfiles(Map<String, String> variables, AwsSts sts, AwsSso sso, NamedSource sources) {
        this.variables = variables;
        this.sts = sts;
        this.sso = sso;
        this.sources = sources;
    }

    /**
     * The keys of the profile that {@code AWS_PROFILE} names, else of {@code default}; empty if that is not there or
     * has none.
     */
    Optional<AwsKeys> standard() throws IOException {
        String named = variables.getOrDefault("AWS_PROFILE", "");
        return named.isEmpty() ? keys(AwsFiles.read(variables), AwsFiles.DEFAULT, 0) : Optional.of(keys(named));
    }

    /**
     * The keys of a profile.
     *
     * @throws IOException if there is none of that name, or it has none
     */
    AwsKeys keys(String profile) throws IOException {
        return keys(AwsFiles.read(variables), profile, 0)
                .orElseThrow(() -> new IOException("the AWS profile " + profile + " is not there or has no keys"));
    }

    private Optional<AwsKeys> keys(AwsFiles all, String name, int depth) throws IOException {
        if (depth == DEEPEST) {
            throw new IOException("the AWS profile " + name + " refers to profiles without an end");
        }
        Map<String, String> profile = all.profile(name);
        Optional<String> role = Optional.ofNullable(profile.get("role_arn"));
        if (role.isPresent()) {
            return Optional.of(ofRole(all, name, role.get(), depth));
        }
        if (AwsSso.isNamedBy(profile)) {
            return Optional.of(sso.keys(all, name));
        }
        if (profile.containsKey("aws_access_key_id") && profile.containsKey("aws_secret_access_key")) {
            return Optional.of(new AwsKeys(
                    profile.getOrDefault("aws_access_key_id", ""),
                    profile.getOrDefault("aws_secret_access_key", ""),
                    Optional.ofNullable(profile.get("aws_session_token"))));
        }
        Optional<String> process = Optional.ofNullable(profile.get("credential_process"));
        if (process.isPresent()) {
            return Optional.of(ofProcess(process.get()));
        }
        return Optional.empty();
    }

    private AwsKeys ofRole(AwsFiles all, String name, String role, int depth) throws IOException {
        Map<String, String> profile = all.profile(name);
        String session = profile.getOrDefault("role_session_name", "entrepot");
        Optional<String> tokenFile = Optional.ofNullable(profile.get("web_identity_token_file"));
        if (tokenFile.isPresent()) {
            return sts.assumeRoleWithWebIdentity(Path.of(tokenFile.get()), role, session);
        }
        Optional<String> over = Optional.ofNullable(profile.get("source_profile"));
        Optional<String> source = Optional.ofNullable(profile.get("credential_source"));
        AwsKeys own;
        if (over.isPresent()) {
            AwsFiles rest = all;
            if (over.get().equals(name)) {
                // Its own keys, which are in the same profile.
                Map<String, String> bare = new HashMap<>(profile);
                bare.remove("role_arn");
                rest = all.with(name, bare);
            }
            own = keys(rest, over.get(), depth + 1)
                    .orElseThrow(() -> new IOException("the AWS profile " + over.get() + " has no keys"));
        } else if (source.isPresent()) {
            own = sources.keys(source.get());
        } else {
            throw new IOException("the AWS profile " + name + " has a role and nothing to take it on with");
        }
        return sts.assumeRole(own, role, session, Optional.ofNullable(profile.get("external_id")));
    }

    private AwsKeys ofProcess(String command) throws IOException {
        Program program = new Program(ShellWords.of(command), variables, LONGEST_RUN);
        Program.Outcome outcome = program.run("");
        if (outcome.exitCode() != 0) {
            throw new IOException(program.name() + " failed with exit code " + outcome.exitCode());
        }
        try {
            JsonNode answer = OciJson.mapper().readTree(outcome.output());
            Optional<String> id = Answers.text(answer, "AccessKeyId");
            Optional<String> secret = Answers.text(answer, "SecretAccessKey");
            if (id.isPresent() && secret.isPresent()) {
                return new AwsKeys(id.get(), secret.get(), Answers.text(answer, "SessionToken"));
            }
        } catch (JacksonException e) {
            // The cause would quote the output.
            throw new IOException(program.name() + " answered with something that is not JSON");
        }
        throw new IOException(program.name() + " answered without keys");
    }
}
