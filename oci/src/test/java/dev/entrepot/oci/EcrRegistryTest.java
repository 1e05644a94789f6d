package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EcrRegistryTest {
    @ParameterizedTest
    @CsvSource({
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com,eu-central-1,https://api.ecr.eu-central-1.amazonaws.com/",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn,cn-north-1,https://api.ecr.cn-north-1.amazonaws.com.cn/",
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com,us-gov-west-1,https://ecr-fips.us-gov-west-1.amazonaws.com/",
        "123456789012.dkr-ecr.us-east-2.on.aws,us-east-2,https://ecr.us-east-2.api.aws/",
        "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu,eusc-de-east-1,https://api.ecr.eusc-de-east-1.amazonaws.eu/",
        "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn,cn-north-1,https://ecr.cn-north-1.api.amazonwebservices.com.cn/",
        "public.ecr.aws,us-east-1,https://api.ecr-public.us-east-1.amazonaws.com/",
    })
    void isKnownByItsName(String host, String region, String api) {
        EcrRegistry registry = EcrRegistry.of(RegistryHost.parse(host)).orElseThrow();

        assertThat(registry.region()).isEqualTo(region);
        assertThat(registry.api()).hasToString(api);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ecr.internal",
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.test",
                "12345.dkr.ecr.eu-central-1.amazonaws.com",
                "123456789012.dkr.ecr.nowhere.amazonaws.com",
                "ecr.aws"
            })
    void isNotGuessed(String host) {
        assertThat(EcrRegistry.of(RegistryHost.parse(host))).isEmpty();
    }
}
