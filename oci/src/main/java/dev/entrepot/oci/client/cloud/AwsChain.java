package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.ServiceClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Finds keys for AWS where AWS's own tools look, in their order: variables, web identity (EKS), the shared
 * configuration files (logins of IAM Identity Center, too), the container's endpoint (ECS, EKS Pod Identity), the
 * instance's metadata service (EC2). The first place that has keys counts; one that should have them and fails ends the
 * search, so that nobody is somebody else by accident.
 */
final class AwsChain {
    private static final String SESSION = "entrepot";

    private final Map<String, String> variables;
    private final Optional<String> profile;
    private final Optional<String> role;
    private final AwsSts sts;
    private final AwsMetadata metadata;
    private final AwsProfiles profiles;

    /**
     * A chain; nothing is asked yet.
     *
     * @param region where roles are taken on
     * @param profile the one profile to go by, if not all places
     * @param role a role to take on at the end
     */
    AwsChain(
            ServiceClient services,
            ClientEnvironment environment,
            String region,
            Optional<String> profile,
            Optional<String> role) {
        this.variables = environment.variables();
        this.profile = profile;
        this.role = role;
        this.sts = new AwsSts(services, environment, region);
        this.metadata = new AwsMetadata(services, variables);
        this.profiles = new AwsProfiles(variables, sts, new AwsSso(services, environment), this::named);
    }

    /**
     * The keys.
     *
     * @throws dev.entrepot.oci.RegistryException if AWS refuses them, or does not answer
     * @throws IOException if there are none
     */
    AwsKeys keys() throws IOException {
        AwsKeys found = profile.isPresent() ? profiles.keys(profile.get()) : search();
        return role.isPresent() ? sts.assumeRole(found, role.get(), SESSION, Optional.empty()) : found;
    }

    private AwsKeys search() throws IOException {
        Optional<AwsKeys> keys = fromVariables();
        keys = keys.isPresent() ? keys : fromWebIdentity();
        keys = keys.isPresent() ? keys : profiles.standard();
        keys = keys.isPresent() ? keys : metadata.ofContainer();
        keys = keys.isPresent() ? keys : metadata.ofInstance();
        return keys.orElseThrow(() -> new IOException(
                "no keys for AWS: not in AWS_ACCESS_KEY_ID, not by AWS_WEB_IDENTITY_TOKEN_FILE, not in the shared"
                        + " configuration files, not from the container's endpoint and not from the instance"));
    }

    private Optional<AwsKeys> fromVariables() {
        String id = variables.getOrDefault("AWS_ACCESS_KEY_ID", "");
        String secret = variables.getOrDefault("AWS_SECRET_ACCESS_KEY", "");
        return id.isEmpty() || secret.isEmpty()
                ? Optional.empty()
                : Optional.of(new AwsKeys(
                        id,
                        secret,
                        Optional.ofNullable(variables.get("AWS_SESSION_TOKEN")).filter(t -> !t.isEmpty())));
    }

    private Optional<AwsKeys> fromWebIdentity() throws IOException {
        String file = variables.getOrDefault("AWS_WEB_IDENTITY_TOKEN_FILE", "");
        String arn = variables.getOrDefault("AWS_ROLE_ARN", "");
        String session = variables.getOrDefault("AWS_ROLE_SESSION_NAME", "");
        return file.isEmpty() || arn.isEmpty()
                ? Optional.empty()
                : Optional.of(sts.assumeRoleWithWebIdentity(Path.of(file), arn, session.isEmpty() ? SESSION : session));
    }

    /** What {@code credential_source} of a profile names. */
    private AwsKeys named(String source) throws IOException {
        Optional<AwsKeys> keys = switch (source) {
            case "Environment" -> fromVariables();
            case "EcsContainer" -> metadata.ofContainer();
            case "Ec2InstanceMetadata" -> metadata.ofInstance();
            default -> Optional.empty();
        };
        return keys.orElseThrow(() -> new IOException("credential_source has no keys for AWS"));
    }
}
