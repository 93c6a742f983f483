// Prints what Verify.java makes of each test vector: its name, and whether the token is good.

import com.google.gson.JsonParser;
import java.nio.file.*;

final class Check {
    public static void main(String[] args) throws Exception {
        var all = JsonParser.parseString(Files.readString(Path.of(args[0]))).getAsJsonObject();
        var verify = new Verify(all.getAsJsonObject("jwks"), all.get("issuer").getAsString(), ent -> args[1].equals("all"));
        for (var each : all.getAsJsonArray("vectors")) {
            var vector = each.getAsJsonObject();
            var claims = verify.check(vector.get("token").getAsString(), vector.get("concertId").getAsString(),
                vector.get("memberId").getAsString(), vector.get("now").getAsLong());
            System.out.println(vector.get("name").getAsString() + "\t" + claims.isPresent());
        }
    }
}
