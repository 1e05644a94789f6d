package dev.entrepot.oci;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the name of a registry of Amazon's ECR says about it.
 *
 * @param visibility private to an account, or the public gallery
 * @param region where its tokens are issued
 * @param api where its tokens are asked for
 */
public record EcrRegistry(Visibility visibility, String region, URI api) {
    private static final Pattern REGION = Pattern.compile("[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}");
    private static final Pattern PRIVATE =
            Pattern.compile("[0-9]{12}\\.dkr\\.(ecr|ecr-fips)\\.([a-z0-9-]+)\\.(amazonaws\\.(?:com|com\\.cn|eu))");
    private static final Pattern DUAL_STACK =
            Pattern.compile("[0-9]{12}\\.dkr-(ecr|ecr-fips)\\.([a-z0-9-]+)\\.on\\.(aws|amazonwebservices\\.com\\.cn)");
    private static final String PUBLIC_REGION = "us-east-1";

    /** The two services. */
    public enum Visibility {
        /** {@code <account>.dkr.ecr.<region>.amazonaws.com}: Basic. */
        PRIVATE,
        /** {@code public.ecr.aws}: tokens. */
        PUBLIC
    }

    /** What a name says; empty if it is not one that ECR gives. */
    public static Optional<EcrRegistry> of(RegistryHost host) {
        String name = host.hostWithoutPort();
        if (name.equals("public.ecr.aws") || name.equals("ecr-public.aws.com")) {
            return Optional.of(new EcrRegistry(
                    Visibility.PUBLIC,
                    PUBLIC_REGION,
                    URI.create("https://api.ecr-public." + PUBLIC_REGION + ".amazonaws.com/")));
        }
        Matcher matcher = PRIVATE.matcher(name);
        if (matcher.matches() && isRegion(matcher.group(2))) {
            boolean fips = matcher.group(1).equals("ecr-fips");
            String service = fips ? "ecr-fips." : "api.ecr.";
            return Optional.of(privateOne(
                    matcher.group(2), "https://" + service + matcher.group(2) + "." + matcher.group(3) + "/"));
        }
        Matcher dual = DUAL_STACK.matcher(name);
        if (dual.matches() && isRegion(dual.group(2))) {
            return Optional.of(privateOne(
                    dual.group(2), "https://" + dual.group(1) + "." + dual.group(2) + ".api." + dual.group(3) + "/"));
        }
        return Optional.empty();
    }

    /** A private registry of a region, whatever its name. */
    public static EcrRegistry inRegion(String region) {
        return privateOne(region, "https://api.ecr." + region + "." + domain(region) + "/");
    }

    /** Whether a text looks like the name of a region. */
    public static boolean isRegion(String text) {
        return REGION.matcher(text).matches();
    }

    /** The domain of Amazon's services in a region. */
    public static String domain(String region) {
        if (region.startsWith("cn-")) {
            return "amazonaws.com.cn";
        }
        return region.startsWith("eusc-") ? "amazonaws.eu" : "amazonaws.com";
    }

    private static EcrRegistry privateOne(String region, String api) {
        return new EcrRegistry(Visibility.PRIVATE, region, URI.create(api));
    }
}
