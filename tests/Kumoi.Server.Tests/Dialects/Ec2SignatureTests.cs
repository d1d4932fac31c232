using System.Text;
using Kumoi.Api;
using Kumoi.Server.Dialects.Ec2;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Dialects;

/// <summary>Goal: only who holds a key gets in, and whoever does, however the client writes its requests. Method: requests signed by the test itself, by the published example, and wrong in one thing each.</summary>
public sealed class Ec2SignatureTests
{
    // What canonical forms get wrong: blanks, signs that forms and signatures write differently, scripts, nothing.
    private static readonly string[] Values =
        ["", "plain", "a b", "*", "+", "%", "%20", "a+b%2Bc", "~-_.", "&=?/#", "雲居 🗻", "'\"<>", "\u007f", "ä", "a\tb"];

    [Fact]
    public async Task Values_of_all_kinds_are_signed_and_arrive_as_they_are()
    {
        await using var scene = await Ec2Scene.StartAsync();
        foreach (var value in Values) await TryAsync(scene, value);
    }

    private static async Task TryAsync(Ec2Scene scene, string value)
    {
        var signing = new Ec2Scene.Signing(scene.Key.Id, scene.Key.Secret);
        (string, string)[] filter = [("Filter.1.Name", "region-name"), ("Filter.1.Value.1", value), ("Filter.1.Value.2", "kumoi")];
        foreach (var request in (HttpRequestMessage[])[
            scene.Post(signing, "DescribeRegions", filter), scene.Presigned(signing, "DescribeRegions", filter), scene.V2(signing, "GET", "HmacSHA256", false, "DescribeRegions", filter),
            scene.V2(signing, "POST", "HmacSHA256", true, "DescribeRegions", filter), scene.V2(signing, "GET", "HmacSHA1", true, "DescribeRegions", filter), scene.V2(signing, "POST", "HmacSHA1", false, "DescribeRegions", filter)])
        {
            using var answer = await scene.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.IsSuccessStatusCode, $"{request.RequestUri}: {text}");
            Assert.Contains("<regionName>kumoi</regionName>", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_published_example_has_the_published_signature()
    {
        // AWS's documentation of Version 4, "Create a signed AWS API request": the key is theirs, and nobody's.
        var request = new Ec2Request(
            "GET", "/", new Dictionary<string, string> { ["host"] = "iam.amazonaws.com", ["content-type"] = "application/x-www-form-urlencoded; charset=utf-8", ["x-amz-date"] = "20150830T123600Z",
                ["authorization"] = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7" },
            [new("Action", "ListUsers"), new("Version", "2010-05-08")], [], []);
        var (claim, _) = SignatureV4.Read(request, "us-east-1", new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        Assert.Equal(claim!.Signature, claim.Sign(Encoding.UTF8.GetBytes("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")));
    }

    [Fact]
    public async Task What_is_wrong_is_told_as_documented()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var right = new Ec2Scene.Signing(scene.Key.Id, scene.Key.Secret);
        var past = DateTimeOffset.UtcNow.AddMinutes(-16);
        Assert.Equal((401, "AuthFailure"), await scene.FailAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(scene.Url + "?Action=DescribeRegions"))));
        Assert.Equal((401, "AuthFailure"), await scene.FailAsync(scene.Post(right with { Id = "AKIAAAAAAAAAAAAAAAAA" }, "DescribeRegions")));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(scene.Post(right with { Secret = scene.Key.Secret[..^1] + "!" }, "DescribeRegions")));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(scene.V2(right with { Secret = "wrong" }, "GET", "HmacSHA256", false, "DescribeRegions")));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(scene.Post(right with { Region = "us-east-1" }, "DescribeRegions")));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(scene.Post(right with { Service = "s3" }, "DescribeRegions")));
        Assert.Equal((400, "RequestExpired"), await scene.FailAsync(scene.Post(right with { At = past }, "DescribeRegions")));
        Assert.Equal((400, "RequestExpired"), await scene.FailAsync(scene.Post(right with { At = DateTimeOffset.UtcNow.AddMinutes(16) }, "DescribeRegions")));
        Assert.Equal((400, "RequestExpired"), await scene.FailAsync(scene.Presigned(right with { At = past, Expires = 600 }, "DescribeRegions")));
        Assert.Equal((400, "RequestExpired"), await scene.FailAsync(scene.V2(right with { At = past }, "GET", "HmacSHA256", false, "DescribeRegions")));
        Assert.Equal((400, "RequestExpired"), await scene.FailAsync(scene.V2(right with { At = past, Expires = 60 }, "POST", "HmacSHA1", true, "DescribeRegions")));
        using var presigned = await scene.SendAsync(scene.Presigned(right with { At = past, Expires = 1800 }, "DescribeRegions"));
        Assert.True(presigned.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_request_that_was_changed_on_its_way_is_refused()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var right = new Ec2Scene.Signing(scene.Key.Id, scene.Key.Secret);
        var body = scene.Post(right, "DescribeRegions", ("RegionName.1", "kumoi"));
        body.Content = new StringContent((await body.Content!.ReadAsStringAsync()).Replace("DescribeRegions", "DescribeVolumes", StringComparison.Ordinal), Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded"));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(body));
        var header = scene.Post(right, "DescribeRegions");
        header.Headers.Remove("X-Amz-Date");
        header.Headers.TryAddWithoutValidation("X-Amz-Date", DateTimeOffset.UtcNow.AddMinutes(5).UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(header));
        var query = scene.Presigned(right, "DescribeRegions");
        query.RequestUri = new Uri(query.RequestUri!.OriginalString.Replace("X-Amz-Expires=60", "X-Amz-Expires=61", StringComparison.Ordinal));
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(query));
        var twice = scene.V2(right, "GET", "HmacSHA256", false, "DescribeRegions");
        twice.RequestUri = new Uri(twice.RequestUri!.OriginalString + "&Action=DescribeVolumes");
        Assert.Equal((400, "MalformedQueryString"), await scene.FailAsync(twice));
        var host = scene.Post(right, "DescribeRegions");
        host.Headers.Host = "elsewhere.example.net";
        Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(host));
    }

    [Fact]
    public async Task What_cannot_be_read_is_told_in_the_form_of_the_dialect()
    {
        await using var scene = await Ec2Scene.StartAsync();
        // What a client's URL cannot have, as .NET writes it, is sent in the body only.
        foreach (var query in (string[])["Action=DescribeRegions&Action=DescribeRegions", "Action=%ff", "Action=%00", "Action=%2", "Action=%zz"]) Assert.Equal((400, "MalformedQueryString"), await scene.FailAsync(new HttpRequestMessage(HttpMethod.Post, scene.Url) { Content = new StringContent(query, Encoding.UTF8, "application/x-www-form-urlencoded") }));
        foreach (var query in (string[])["Action=DescribeRegions&Action=DescribeRegions", "Action=%ff", "Action=%00"]) Assert.Equal((400, "MalformedQueryString"), await scene.FailAsync(new HttpRequestMessage(HttpMethod.Get, new Uri($"{scene.Url}?{query}"))));
    }

    [Fact]
    public async Task A_request_without_bounds_is_refused_before_it_is_looked_at()
    {
        await using var scene = await Ec2Scene.StartAsync();
        Task<(int, string)> Send(string body) => scene.FailAsync(new HttpRequestMessage(HttpMethod.Post, scene.Url) { Content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded") });
        Assert.Equal((413, "RequestEntityTooLarge"), await Send("Action=" + new string('a', 600_000)));
        Assert.Equal((400, "MalformedQueryString"), await Send("Action=" + new string('a', 200_000)));
        Assert.Equal((400, "MalformedQueryString"), await Send(string.Join('&', Enumerable.Range(1, 3000).Select(i => $"InstanceId.{i}=i-1"))));
        var right = new Ec2Scene.Signing(scene.Key.Id, scene.Key.Secret);
        await scene.DoAsync("DescribeInstances", ("Filter.99999999999.Name", "x"), ("Filter.-1.Name", "x"), ("Filter.x.Name", "y"));
        Assert.Equal((400, "FilterLimitExceeded"), await scene.FailAsync(scene.Post(right, "DescribeInstances", [.. Enumerable.Range(1, 51).SelectMany(i => new[] { ($"Filter.{i}.Name", "instance-id"), ($"Filter.{i}.Value.1", "x") })])));
    }

    [Fact]
    public async Task Guessing_is_slowed_and_does_not_lock_out_others()
    {
        await using var scene = await Ec2Scene.StartAsync();
        var wrong = new Ec2Scene.Signing(scene.Key.Id, "wrong");
        for (var i = 0; i < 8; i++) Assert.Equal((403, "SignatureDoesNotMatch"), await scene.FailAsync(scene.Post(wrong, "DescribeRegions")));
        Assert.Equal((503, "RequestLimitExceeded"), await scene.FailAsync(scene.Post(wrong, "DescribeRegions")));
        Assert.Equal((503, "RequestLimitExceeded"), await scene.FailAsync(scene.Post(wrong with { Secret = scene.Key.Secret }, "DescribeRegions")));
        var other = await scene.Scene.Tenant.PostAsync<AccessKeyCreated>("/access-keys", new { });
        using var answer = await scene.SendAsync(scene.Post(new Ec2Scene.Signing(other.Id, other.Secret), "DescribeRegions"));
        Assert.True(answer.IsSuccessStatusCode);
    }
}
