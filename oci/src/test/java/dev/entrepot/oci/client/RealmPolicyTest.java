package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RealmPolicyTest {
    private static String verdict(RegistryEndpoint endpoint, String realm) {
        return switch (new RealmPolicy(endpoint).judge(realm)) {
            case RealmPolicy.Verdict.Trusted trusted -> "trusted";
            case RealmPolicy.Verdict.AnonymousOnly anonymous -> "anonymous";
            case RealmPolicy.Verdict.Refused refused -> "refused";
        };
    }

    @ParameterizedTest
    @CsvSource({
        // Public registries, as they are.
        "docker.io,https://registry-1.docker.io,https://auth.docker.io/token,trusted",
        "docker.io,https://hub-mirror.example,https://auth.docker.io/token,trusted",
        "ghcr.io,https://ghcr.io,https://ghcr.io/token,trusted",
        "quay.io,https://quay.io,https://quay.io/v2/auth,trusted",
        "nvcr.io,https://nvcr.io,https://nvcr.io/proxy_auth,trusted",
        "nvcr.io,https://nvcr.io,https://authn.nvidia.com/token,trusted",
        "registry.gitlab.com,https://registry.gitlab.com,https://gitlab.com/jwt/auth,trusted",
        "a.azurecr.io,https://a.azurecr.io,https://a.azurecr.io/oauth2/token,trusted",
        "eu-docker.pkg.dev,https://eu-docker.pkg.dev,https://eu-docker.pkg.dev/v2/token,trusted",
        "r.example.co.uk,https://r.example.co.uk,https://auth.example.co.uk/token,trusted",
        "r.test:5000,https://r.test:5000,https://r.test:5001/token,trusted",
        "r.test,https://R.Test,https://r.TEST./token,trusted",
        // Somebody else's.
        "docker.io,https://registry-1.docker.io,https://evil.example/token,anonymous",
        "docker.io,https://registry-1.docker.io,https://auth.docker.io.evil.example/token,anonymous",
        "docker.io,https://registry-1.docker.io,https://evildocker.io/token,anonymous",
        "ghcr.io,https://ghcr.io,https://auth.docker.io/token,anonymous",
        "a.azurecr.io,https://a.azurecr.io,https://b.azurecr.io/oauth2/token,anonymous",
        "r.one.co.uk,https://r.one.co.uk,https://r.two.co.uk/token,anonymous",
        "x.pkg.dev,https://x.pkg.dev,https://y.pkg.dev/token,anonymous",
        "ecr,https://1.dkr.ecr.eu-west-1.amazonaws.com,https://x.execute-api.eu-west-1.amazonaws.com/t,anonymous",
        "ecr,https://1.dkr.ecr.eu-west-1.amazonaws.com,https://2.dkr.ecr.eu-west-1.amazonaws.com/t,anonymous",
        "ecr,https://1.dkr.ecr.cn-north-1.amazonaws.com.cn,https://x.cn-north-1.amazonaws.com.cn/t,anonymous",
        "ecr,https://1.dkr-ecr.eu-west-1.on.aws,https://x.lambda-url.eu-west-1.on.aws/t,anonymous",
        "ecr,https://1.dkr-ecr.eu-west-1.on.aws,https://1.dkr-ecr.eu-west-1.on.aws/t,trusted",
        "ecr,https://1.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn,https://x.cn-north-1.on.amazonwebservices.com.cn/t,anonymous",
        "ecr,https://1.dkr.ecr.eusc-de-east-1.amazonaws.eu,https://x.eusc-de-east-1.amazonaws.eu/t,anonymous",
        "acr,https://a-registry.cn-hangzhou.cr.aliyuncs.com,https://evil-registry.cn-hangzhou.cr.aliyuncs.com/t,anonymous",
        "ovh,https://a.c1.gra9.container-registry.ovh.net,https://vps-1.vps.ovh.net/t,anonymous",
        "tcr,https://a.tencentcloudcr.com,https://b.tencentcloudcr.com/t,anonymous",
        "r,https://a.tail1.ts.net,https://b.tail2.ts.net/t,anonymous",
        "r,https://a.ngrok-free.app,https://b.ngrok-free.app/t,anonymous",
        "r,https://a.onrender.com,https://b.onrender.com/t,anonymous",
        "r,https://a.westeurope.azurecontainer.io,https://b.westeurope.azurecontainer.io/t,anonymous",
        "r,https://a.westeurope.cloudapp.azure.com,https://b.westeurope.cloudapp.azure.com/t,anonymous",
        // Of the public suffix list alone: a city of Japan, a provider of names.
        "r,https://a.minami.fukuoka.jp,https://b.minami.fukuoka.jp/t,anonymous",
        "r,https://a.dyndns.org,https://b.dyndns.org/t,anonymous",
        "r,https://a.b.example.com,https://sso.example.com/t,trusted",
        "r,https://registry.corp.local,https://gitlab.corp.local/jwt/auth,trusted",
        "r,https://local,https://other/t,anonymous",
        "10.0.0.1,https://10.0.0.1,https://10.9.0.1/token,anonymous",
        "localhost,https://localhost,https://other/token,anonymous",
        // Never.
        "ghcr.io,https://ghcr.io,http://ghcr.io/token,refused",
        "ghcr.io,https://ghcr.io,https://user:pw@ghcr.io/token,refused",
        "ghcr.io,https://ghcr.io,file:///etc/passwd,refused",
        "ghcr.io,https://ghcr.io,/token,refused",
        "ghcr.io,https://ghcr.io,https:///token,refused",
        "ghcr.io,https://ghcr.io,not a url,refused",
        "ghcr.io,https://ghcr.io,https://ghcr.io:65536/token,refused",
        // Plain HTTP registries may have plain HTTP token services.
        "r.test,http://r.test,http://r.test/token,trusted",
        "r.test,http://r.test,http://other.example/token,anonymous"
    })
    void judges(String registry, String base, String realm, String expected) {
        RegistryEndpoint endpoint = RegistryEndpoint.of(RegistryHost.parse(registry), URI.create(base));

        assertThat(verdict(endpoint, realm)).isEqualTo(expected);
    }

    @Test
    void trustsWhatTheConfigurationNames() {
        RegistryEndpoint endpoint = RegistryEndpoint.of(RegistryHost.parse("r.test"), URI.create("https://r.test"))
                .withTrustedRealmHosts(
                        Set.of(RegistryHost.parse("sso.example"), RegistryHost.parse("idp.example:8443")));

        assertThat(verdict(endpoint, "https://sso.example/token")).isEqualTo("trusted");
        assertThat(verdict(endpoint, "https://sso.example:9000/token")).isEqualTo("trusted");
        assertThat(verdict(endpoint, "https://idp.example:8443/token")).isEqualTo("trusted");
        assertThat(verdict(endpoint, "https://idp.example/token")).isEqualTo("anonymous");
    }
}
