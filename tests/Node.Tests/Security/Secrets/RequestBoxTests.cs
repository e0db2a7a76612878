using Backhaul.Node.Security;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Security.Secrets;

public sealed class RequestBoxTests
{
    private static readonly TenantId Acme = TenantId.Parse("acme");
    private static readonly byte[] Key = [.. Enumerable.Repeat((byte)1, SecretBox.KeyBytes)];
    private static readonly byte[] Next = [.. Enumerable.Repeat((byte)2, SecretBox.KeyBytes)];

    [Theory]
    [InlineData("https://example.org/a?token=s", "https://example.org/a?sealed1:")]
    [InlineData("https://example.org:8443?token=s#f", "https://example.org:8443?sealed1:")]
    [InlineData("https://example.org/a#s", "https://example.org/a?sealed1:")]
    [InlineData("https://example.org/a?", "https://example.org/a?sealed1:")]
    [InlineData("https://example.org/a?sealed1:x:AAAA", "https://example.org/a?sealed1:")]
    public void A_sealed_URL_keeps_all_before_its_query_and_opens_to_itself(string url, string begin)
    {
        var box = new RequestBox(new SecretBox([Key]));
        var text = box.SealUrl(Acme, url);
        Assert.StartsWith(begin, text, StringComparison.Ordinal);
        Assert.Equal(new Uri(url).Authority, new Uri(text).Authority);
        Assert.Equal(new Uri(url).AbsolutePath, new Uri(text).AbsolutePath);
        Assert.DoesNotContain("token", text, StringComparison.Ordinal);
        Assert.Equal(url, box.OpenUrl(Acme, text));
        Assert.Equal(text, box.SealUrl(Acme, url)); // a repetition stays one
        Assert.Null(box.OpenUrl(TenantId.Parse("other"), text));
    }

    [Fact]
    public void What_has_no_secret_and_what_was_stored_before_is_as_it_is()
    {
        var box = new RequestBox(new SecretBox([Key]));
        Assert.Equal("https://example.org/a", box.SealUrl(Acme, "https://example.org/a"));
        Assert.Equal("https://example.org/a?token=s", box.OpenUrl(Acme, "https://example.org/a?token=s"));
        Assert.Equal("clear", box.Open(Acme, "clear"));
    }

    [Fact]
    public void After_a_rotation_the_old_key_still_opens()
    {
        var text = new RequestBox(new SecretBox([Key])).Seal(Acme, "s");
        Assert.Equal("s", new RequestBox(new SecretBox([Next, Key])).Open(Acme, text));
        Assert.Null(new RequestBox(new SecretBox([Next])).Open(Acme, text));
    }

    [Fact]
    public void A_cluster_without_keys_seals_by_its_secret_once_it_knows_it_and_opens_that_when_it_gets_keys()
    {
        byte[] secret = [];
        var box = new RequestBox(new SecretBox([]), () => secret);
        Assert.False(box.CanSeal);
        secret = Key;
        Assert.True(box.CanSeal);
        var text = box.Seal(Acme, "s");
        Assert.Equal("s", box.Open(Acme, text));
        Assert.Equal("s", new RequestBox(new SecretBox([Next]), () => Key).Open(Acme, text));
        Assert.Null(new RequestBox(new SecretBox([Key])).Open(Acme, text)); // the secret itself is no key
    }
}
