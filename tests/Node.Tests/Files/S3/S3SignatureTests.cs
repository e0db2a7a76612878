using Backhaul.Node.Files.S3;
using Xunit;

namespace Backhaul.Node.Tests.Files.S3;

public sealed class S3SignatureTests
{
    /// <summary>The examples of the specification's chapter on signing.</summary>
    private static readonly S3Credentials Example = new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

    private static readonly DateTimeOffset Moment = new(2013, 5, 24, 0, 0, 0, TimeSpan.Zero);

    private static readonly S3Bucket Bucket = new(new Uri("https://s3.amazonaws.com"), "examplebucket", "us-east-1", PathStyle: false);

    [Fact]
    public void A_get_with_a_range_is_signed_as_in_the_specification()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Bucket.Url("test.txt", []));
        request.Headers.Add("Range", "bytes=0-9");
        S3Signature.Sign(request, S3Signature.EmptyHash, Example, "us-east-1", Moment);
        Assert.EndsWith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", request.Headers.Authorization!.Parameter, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listing_with_parameters_is_signed_as_in_the_specification()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Bucket.Url("", [("prefix", "J"), ("max-keys", "2")]));
        S3Signature.Sign(request, S3Signature.EmptyHash, Example, "us-east-1", Moment);
        Assert.EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", request.Headers.Authorization!.Parameter, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a b/ü+c", "/examplebucket/a%20b/%C3%BC%2Bc")]
    [InlineData("%2E/x", "/examplebucket/%252E/x")]
    [InlineData("a~b_c-d.e", "/examplebucket/a~b_c-d.e")]
    public void A_key_is_sent_as_it_is_signed(string key, string path)
    {
        var url = (Bucket with { PathStyle = true }).Url(key, []);
        Assert.Equal(path, url.AbsolutePath);
        Assert.EndsWith(path, url.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Credentials_do_not_print_their_secret() => Assert.DoesNotContain("wJalr", Example.ToString(), StringComparison.Ordinal);
}
