using System.Net;
using System.Text;
using Backhaul.Node.Transfers.Downloads;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>Digests that origins send: which are understood, which is taken, and that they are computed right.</summary>
public sealed class PromisedDigestTests
{
    private const string Sha256 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="; // of "test"
    private const string Md5 = "CY9rzUYh03PK3k6DJie09g==";

    [Theory]
    [InlineData("Repr-Digest", "sha-256=:" + Sha256 + ":", "Sha256")]
    [InlineData("Repr-Digest", "unixsum=:AAA=:, sha-256=:" + Sha256 + ":;p=1", "Sha256")]
    [InlineData("Content-Digest", "sha-256=:" + Sha256 + ":", "Sha256")]
    [InlineData("Content-MD5", Md5, "Md5")]
    [InlineData("x-goog-hash", "crc32c=hqBywA==,md5=" + Md5, "Md5")]
    [InlineData("x-goog-hash", "crc32c=hqBywA==", "Crc32C")]
    [InlineData("x-amz-checksum-sha256", Sha256, "Sha256")]
    [InlineData("x-amz-checksum-crc32", "2H9+DA==", "Crc32")]
    public void Each_kind_is_understood_and_agrees_with_the_bytes(string header, string value, string algorithm)
    {
        var promised = Read(200, (header, value))!;
        Assert.Equal(algorithm, promised.Algorithm.ToString());
        Assert.Equal(promised.Value, RunningDigest.Of(promised.Algorithm, "test"u8));
    }

    [Theory]
    [InlineData("Repr-Digest", "sha-256=" + Sha256)]
    [InlineData("Repr-Digest", "sha-256=:AAAA:")]
    [InlineData("Repr-Digest", "sha-256")]
    [InlineData("Repr-Digest", "sha-256=:!!!:")]
    [InlineData("Content-MD5", "junk")]
    [InlineData("x-goog-hash", "sha3=AAAA")]
    [InlineData("x-amz-checksum-sha256", Sha256 + "-7")]
    [InlineData("x-amz-checksum-crc32", "2H9+DA==-2")]
    [InlineData("x-amz-checksum-crc32c", "hqBywA==-10000")]
    public void What_cannot_be_read_promises_nothing(string header, string value) => Assert.Null(Read(200, (header, value)));

    [Fact]
    public void The_strongest_is_taken() => Assert.Equal(
        DigestAlgorithm.Sha256, Read(200, ("Content-MD5", Md5), ("x-goog-hash", "crc32c=hqBywA=="), ("Repr-Digest", $"sha-256=:{Sha256}:"))!.Algorithm);

    [Fact]
    public void A_digest_of_a_part_says_nothing_about_the_whole()
    {
        Assert.Null(Read(206, ("Content-Digest", $"sha-256=:{Sha256}:"), ("Content-MD5", Md5)));
        Assert.Null(Read(206, ("x-amz-checksum-sha256", Sha256), ("x-amz-checksum-crc32", "2H9+DA=="), ("x-amz-checksum-type", "FULL_OBJECT")));
        Assert.NotNull(Read(206, ("Repr-Digest", $"sha-256=:{Sha256}:")));
    }

    [Fact]
    public void A_checksum_of_checksums_and_one_of_another_coding_are_passed_over()
    {
        Assert.Null(Read(200, ("x-amz-checksum-crc32", "2H9+DA=="), ("x-amz-checksum-type", "COMPOSITE")));
        Assert.Null(Read(200, ("x-goog-hash", "crc32c=hqBywA=="), ("x-goog-stored-content-encoding", "gzip")));
        Assert.NotNull(Read(200, ("x-goog-hash", "crc32c=hqBywA=="), ("x-goog-stored-content-encoding", "identity")));
    }

    [Fact]
    public void A_digest_does_not_depend_on_how_the_bytes_are_cut() =>
        Prop.ForAll(
            (from bytes in Gen.Choose(0, 255).Select(number => (byte)number).ArrayOf() from cut in Gen.Choose(0, 100) select (bytes, cut)).ToArbitrary(),
            input => Enum.GetValues<DigestAlgorithm>().All(algorithm =>
            {
                using var digest = new RunningDigest(algorithm);
                var cut = Math.Min(input.cut, input.bytes.Length);
                digest.Append(input.bytes.AsSpan(0, cut));
                digest.Append(input.bytes.AsSpan(cut));
                return digest.Finish().AsSpan().SequenceEqual(RunningDigest.Of(algorithm, input.bytes));
            })).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void The_check_values_of_both_checksums_are_right()
    {
        var text = Encoding.ASCII.GetBytes("123456789");
        Assert.Equal("CBF43926", Convert.ToHexString(RunningDigest.Of(DigestAlgorithm.Crc32, text)));
        Assert.Equal("E3069283", Convert.ToHexString(RunningDigest.Of(DigestAlgorithm.Crc32C, text)));
    }

    private static PromisedDigest? Read(int status, params (string Name, string Value)[] headers)
    {
        using var message = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent([]) };
        foreach (var (name, value) in headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
                message.Content.Headers.TryAddWithoutValidation(name, value);
        }
        return PromisedDigest.Of(status, message.Headers.NonValidated, message.Content.Headers.NonValidated);
    }
}
